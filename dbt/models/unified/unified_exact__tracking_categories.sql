-- Made from exactonline_client/unified.csv by `make dbt`: not to be edited by hand.
select
    base.id as id,
    base.division_id as company_id,
    base.type as type,
    base.code as code,
    base.name as name,
    base.active as active
from {{ ref('int_exact__tracking_categories') }} as base
