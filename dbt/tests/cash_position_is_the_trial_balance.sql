with accounts as (
    select division_id, period_number, sum(closing_dc) as closing_dc
    from {{ ref('exact__trial_balance') }}
    where section = 'cash_and_bank'
    group by 1, 2
)

select accounts.division_id, accounts.period_number
from accounts
left join {{ ref('exact__cash_position') }} as cash
    on accounts.division_id = cash.division_id and accounts.period_number = cash.period_number
where cash.closing_dc is null
    or cash.closing_dc <> accounts.closing_dc
    or cash.opening_dc + cash.received_dc - cash.paid_dc <> cash.closing_dc
