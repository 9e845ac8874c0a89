-- In a year that has a budget, what was booked is there whole, once for each scenario.
with compared as (
    select division_id, budget_scenario_code, financial_year, sum(actual_dc) as amount_dc
    from {{ ref('exact__budget_vs_actual') }}
    group by 1, 2, 3
),

results as (
    select division_id, financial_year, sum(amount_dc) as amount_dc
    from {{ ref('exact__profit_and_loss') }}
    group by 1, 2
)

select compared.division_id, compared.financial_year
from compared
inner join results
    on compared.division_id = results.division_id and compared.financial_year = results.financial_year
where compared.amount_dc <> results.amount_dc
