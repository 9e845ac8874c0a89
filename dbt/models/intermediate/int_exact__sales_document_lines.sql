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
    coalesce(items.code, lines.item_code) as item_code,
    coalesce(items.description, lines.item_description) as item_name,
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
    accounts.gl_account_code as ledger_account_code,
    coalesce(accounts.gl_account_name, lines.gl_account_description) as ledger_account_name,
    lines.cost_center,
    lines.cost_unit,
    lines.project_id,
    lines.delivery_date,
    lines.notes,
    lines.row_version
from {{ ref('stg_exact__sales_invoice_lines') }} as lines
inner join {{ ref('int_exact__sales_documents') }} as documents
    on lines.division_id = documents.division_id and lines.invoice_id = documents.invoice_id
left join {{ ref('stg_exact__items') }} as items
    on lines.division_id = items.division_id and lines.item_id = items.id
left join {{ ref('int_exact__chart_of_accounts') }} as accounts
    on lines.division_id = accounts.division_id and lines.gl_account_id = accounts.gl_account_id
