-- Year to date is the closing balance with the sign turned, but for what an entry carried to the balance sheet.
with carried as (
    select division_id, gl_account_id, financial_year, max(period_number) as last_period, sum(amount_dc) as amount_dc
    from {{ ref('exact__general_ledger') }}
    where transaction_type = 326
    group by 1, 2, 3
)

select results.division_id, results.gl_account_id, results.period_number
from {{ ref('exact__profit_and_loss') }} as results
inner join {{ ref('exact__trial_balance') }} as balances
    on results.division_id = balances.division_id
    and results.gl_account_id = balances.gl_account_id
    and results.period_number = balances.period_number
left join carried
    on results.division_id = carried.division_id
    and results.gl_account_id = carried.gl_account_id
    and results.financial_year = carried.financial_year
    and results.period_number >= carried.last_period
where results.year_to_date_dc <> coalesce(carried.amount_dc, 0) - balances.closing_dc
