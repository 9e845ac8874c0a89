-- Made from exactonline_client/unified.csv by `make dbt`: not to be edited by hand.
select
    base.id as id,
    base.id as downstream_id,
    base.division_id as company_id,
    base.code as display_id,
    base.code as code,
    base.code as nominal_code,
    base.description as name,
    base.fully_qualified_name as fully_qualified_name,
    base.classification as classification,
    base.ledger_account_type as type,
    base.type_description as sub_type,
    case cast(base.is_blocked as {{ dbt.type_string() }}) when 'true' then 'archived' when 'false' then 'active' end as status,
    base.vat_code as tax_rate_code,
    base.currency as currency,
    base.opening_balance as opening_balance,
    base.current_balance as current_balance,
    base.classification_code as classification_code,
    base.created as created_at,
    base.modified as updated_at,
    base.row_version as row_version
from {{ ref('int_exact__ledger_accounts') }} as base
