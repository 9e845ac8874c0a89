-- Budgets by period and account, of all scenarios.
select
    division_id,
    coalesce(budget_scenario_code, '') as budget_scenario_code,
    reporting_year as financial_year,
    reporting_period as financial_period,
    gl_account_id,
    {{ exact_online.total('amount_dc') }} as budget_dc
from {{ ref('stg_exact__budgets') }}
group by 1, 2, 3, 4, 5
