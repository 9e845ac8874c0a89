-- What is open of a document lies between nothing and its total.
with documents as (
    select company_id, id, total, balance from {{ ref('unified_exact__invoices') }}
    union all
    select company_id, id, total_amount, balance from {{ ref('unified_exact__credit_notes') }}
    union all
    select company_id, id, total, balance from {{ ref('unified_exact__bills') }}
)

select company_id, id
from documents
where abs(balance) > abs(total) or balance * total < 0
