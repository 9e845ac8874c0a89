-- When a year begins, the result of the one that ended joins those of the years before.
with results as (
    select
        division_id,
        financial_year,
        period_number,
        sum(case when line_id = 'result_of_years_before' then amount_dc else 0 end) as before_dc,
        sum(amount_dc) as both_dc
    from {{ ref('exact__balance_sheet') }}
    where section = 'result'
    group by 1, 2, 3
),

followed as (
    select
        results.*,
        lag(both_dc) over (partition by division_id order by period_number) as both_at_last_dc,
        lag(financial_year) over (partition by division_id order by period_number) as year_of_last
    from results
)

select division_id, period_number
from followed
where year_of_last < financial_year and before_dc <> both_at_last_dc
