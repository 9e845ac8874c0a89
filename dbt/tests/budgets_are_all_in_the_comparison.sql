with budgets as (
    select division_id, sum(amount_dc) as amount_dc
    from {{ ref('stg_exact__budgets') }}
    group by 1
),

compared as (
    select division_id, sum(budget_dc) as amount_dc
    from {{ ref('exact__budget_vs_actual') }}
    group by 1
)

select budgets.division_id
from budgets
left join compared on budgets.division_id = compared.division_id
where budgets.amount_dc + coalesce(compared.amount_dc, 0) <> 0
