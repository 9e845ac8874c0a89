-- Made from exactonline_client/unified.csv by `make dbt`: not to be edited by hand.
select
    base.id as id,
    base.division_id as company_id,
    base.code as code,
    base.code as display_id,
    base.description as name,
    base.description as description,
    base.percentage * 100 as effective_tax_rate,
    base.percentage * 100 as total_tax_rate,
    base.country as country,
    base.gl_to_pay_id as tax_payable_account_id,
    base.gl_to_claim_id as tax_remitted_account_id,
    case cast(base.vat_transaction_type as {{ dbt.type_string() }}) when 'S' then 'sales' when 'P' then 'purchase' when 'B' then 'both' end as type,
    base.charged as reversed,
    base.components as components,
    case cast(base.is_blocked as {{ dbt.type_string() }}) when 'true' then 'archived' when 'false' then 'active' end as status,
    base.created as created_at,
    base.modified as updated_at
from {{ ref('int_exact__tax_rates') }} as base
