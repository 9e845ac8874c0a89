with last_periods as (
    select division_id, financial_year, max(financial_period) as financial_period
    from {{ ref('exact__profit_and_loss') }}
    group by 1, 2
)

select results.division_id, results.gl_account_id, results.financial_year
from {{ ref('exact__profit_and_loss') }} as results
inner join last_periods
    on results.division_id = last_periods.division_id and results.financial_year = last_periods.financial_year
group by 1, 2, 3
having sum(results.amount_dc) <> sum(
    case when results.financial_period = last_periods.financial_period then results.year_to_date_dc else 0 end
)
