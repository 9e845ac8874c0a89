-- Made from exactonline_client/unified.csv by `make dbt`: not to be edited by hand.
select
    base.id as id,
    base.division_id as company_id,
    base.invoice_id as credit_note_id,
    base.line_number as line_number,
    'sales_item' as type,
    base.item_id as item_id,
    base.item_code as item_code,
    base.item_description as item_name,
    base.item_code as code,
    base.description as description,
    -base.quantity as quantity,
    base.unit_price as unit_price,
    base.discount * 100 as discount_percentage,
    base.unit_code as unit_of_measure,
    -base.amount_fc as total_amount,
    -base.vat_amount_fc as tax_amount,
    base.vat_code as tax_rate_code,
    base.vat_percentage * 100 as tax_rate_rate,
    base.gl_account_id as ledger_account_id,
    base.gl_account_description as ledger_account_name,
    base.cost_center as cost_center,
    base.cost_unit as cost_unit,
    base.project_id as project_id,
    base.notes as memo,
    base.row_version as row_version
from {{ ref('int_exact__sales_document_lines') }} as base
where base.is_credit_note
