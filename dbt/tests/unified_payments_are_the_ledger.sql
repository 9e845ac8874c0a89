-- Money of customers and suppliers is what statements booked on accounts of debtors and creditors.
with payments as (
    select company_id, currency, sum(total_amount) as amount_fc
    from (
        select company_id, currency, total_amount from {{ ref('unified_exact__payments') }}
        union all
        select company_id, currency, -total_amount from {{ ref('unified_exact__bill_payments') }}
    ) as both_sides
    group by 1, 2
),

booked as (
    select lines.division_id, lines.currency, -sum(lines.amount_fc) as amount_fc
    from {{ ref('exact__general_ledger') }} as lines
    inner join {{ ref('int_exact__chart_of_accounts') }} as accounts
        on lines.division_id = accounts.division_id and lines.gl_account_id = accounts.gl_account_id
    where lines.transaction_type = 40 and accounts.gl_account_type in (20, 21, 22) and lines.account_id is not null
        and lines.entry_id in (
            select entry_id from {{ ref('stg_exact__bank_entries') }}
            union all
            select entry_id from {{ ref('stg_exact__cash_entries') }}
        )
    group by 1, 2
)

select coalesce(payments.company_id, booked.division_id) as company_id
from payments
full outer join booked on payments.company_id = booked.division_id and payments.currency = booked.currency
where coalesce(payments.amount_fc, 0) <> coalesce(booked.amount_fc, 0)
