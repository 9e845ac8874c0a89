-- Lines of sales invoices and credit notes, with the sign of their document.
{{ config(materialized='view') }}
select
    lines.division_id,
    lines.id,
    lines.invoice_id,
    documents.is_credit_note,
    documents.status_code,
    lines.line_number,
    lines.item_id,
    lines.item_code,
    lines.item_description,
    lines.description,
    lines.quantity,
    lines.unit_price,
    lines.discount,
    lines.unit_code,
    documents.sign * lines.amount_dc as amount_dc,
    documents.sign * lines.amount_fc as amount_fc,
    documents.sign * lines.vat_amount_dc as vat_amount_dc,
    documents.sign * lines.vat_amount_fc as vat_amount_fc,
    lines.vat_code,
    lines.vat_percentage,
    lines.gl_account_id,
    lines.gl_account_description,
    lines.cost_center,
    lines.cost_unit,
    lines.project_id,
    lines.delivery_date,
    lines.notes,
    lines.row_version
from {{ ref('stg_exact__sales_invoice_lines') }} as lines
inner join {{ ref('int_exact__sales_documents') }} as documents
    on lines.division_id = documents.division_id and lines.invoice_id = documents.invoice_id
