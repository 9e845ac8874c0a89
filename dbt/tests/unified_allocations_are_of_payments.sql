with payments as (
    select company_id, id, total_amount, reconciled from {{ ref('unified_exact__payments') }}
    union all
    select company_id, id, total_amount, reconciled from {{ ref('unified_exact__bill_payments') }}
)

select payments.company_id, payments.id
from payments
left join {{ ref('unified_exact__payment_allocations') }} as allocations
    on payments.company_id = allocations.company_id and payments.id = allocations.payment_id
where payments.reconciled <> (allocations.id is not null)
    or allocations.amount <> payments.total_amount
