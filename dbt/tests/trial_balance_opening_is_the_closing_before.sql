-- Of accounts of the balance sheet in every period; of profit and loss within a year, which starts at zero.
with balances as (
    select
        balances.*,
        lag(closing_dc) over (partition by division_id, gl_account_id order by period_number) as closing_before_dc,
        lag(financial_year) over (partition by division_id, gl_account_id order by period_number) as year_before
    from {{ ref('exact__trial_balance') }} as balances
)

select division_id, gl_account_id, period_number
from balances
where opening_dc <> case
    when balance_type = 'B' or year_before = financial_year then coalesce(closing_before_dc, 0)
    else 0
end
