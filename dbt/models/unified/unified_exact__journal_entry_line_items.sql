-- Made from exactonline_client/unified.csv by `make dbt`: not to be edited by hand.
select
    base.id as id,
    base.division_id as company_id,
    base.entry_id as journal_entry_id,
    base.line_number as line_number,
    base.description as description,
    base.type as type,
    abs(base.amount_fc) as total_amount,
    base.amount_vat_fc as tax_amount,
    base.vat_code as tax_rate_code,
    base.gl_account_id as ledger_account_id,
    base.ledger_account_code as ledger_account_code,
    base.ledger_account_name as ledger_account_name,
    base.account_id as relation_id,
    base.relation_display_name as relation_display_name,
    base.cost_center as cost_center,
    base.cost_unit as cost_unit,
    base.project_id as project_id
from {{ ref('int_exact__journal_document_lines') }} as base
