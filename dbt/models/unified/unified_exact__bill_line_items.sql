-- Made from exactonline_client/unified.csv by `make dbt`: not to be edited by hand.
select
    base.id as id,
    base.division_id as company_id,
    base.entry_id as bill_id,
    base.line_number as line_number,
    base.description as description,
    base.quantity as quantity,
    base.unit_price as unit_price,
    base.total_amount as total_amount,
    base.tax_amount as tax_amount,
    base.vat_code as tax_rate_code,
    base.vat_percentage * 100 as tax_rate_rate,
    base.gl_account_id as ledger_account_id,
    base.ledger_account_code as ledger_account_code,
    base.ledger_account_name as ledger_account_name,
    base.cost_center as cost_center,
    base.cost_unit as cost_unit,
    base.project_id as project_id,
    base.notes as memo
from {{ ref('int_exact__bill_lines') }} as base
