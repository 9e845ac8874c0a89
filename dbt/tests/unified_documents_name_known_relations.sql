with named as (
    select company_id, customer_id as relation_id from {{ ref('unified_exact__invoices') }}
    union all
    select company_id, customer_id from {{ ref('unified_exact__credit_notes') }}
    union all
    select company_id, supplier_id from {{ ref('unified_exact__bills') }}
),

relations as (
    select company_id, id from {{ ref('unified_exact__customers') }}
    union all
    select company_id, id from {{ ref('unified_exact__suppliers') }}
)

select named.company_id, named.relation_id
from named
left join relations on named.company_id = relations.company_id and named.relation_id = relations.id
where relations.id is null and named.company_id in {{ exact_online.loaded('stg_exact__accounts') }}
