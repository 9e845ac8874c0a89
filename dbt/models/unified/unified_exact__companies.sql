-- Made from exactonline_client/unified.csv by `make dbt`: not to be edited by hand.
select
    base.code as id,
    base.description as name,
    base.currency as currency,
    base.country as country,
    base.vat_number as tax_number,
    base.chamber_of_commerce_number as company_registration,
    base.legislation as legislation,
    base.start_date as start_date,
    base.email as email,
    base.phone as phone,
    base.created as created_at,
    base.modified as updated_at
from {{ ref('stg_exact__divisions') }} as base
