-- What payments are allocated to an invoice or a bill is not more than it.
with documents as (
    select company_id, id, abs(total) as total from {{ ref('unified_exact__invoices') }}
    union all
    select company_id, id, abs(total_amount) from {{ ref('unified_exact__credit_notes') }}
    union all
    select company_id, id, abs(total) from {{ ref('unified_exact__bills') }}
),

allocated as (
    select company_id, document_id, sum(amount) as amount
    from {{ ref('unified_exact__payment_allocations') }}
    where document_id is not null
    group by 1, 2
)

select allocated.company_id, allocated.document_id
from allocated
inner join documents on allocated.company_id = documents.company_id and allocated.document_id = documents.id
where abs(allocated.amount) > documents.total
