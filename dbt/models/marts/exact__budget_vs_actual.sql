-- Budgets beside what was booked: income is positive, costs are negative. At Exact a budget is positive for
-- debit, as amounts of the ledger are.
with scenarios as (
    select distinct division_id, budget_scenario_code, financial_year from {{ ref('int_exact__budgets') }}
),

actual as (
    select
        results.division_id,
        scenarios.budget_scenario_code,
        results.financial_year,
        results.financial_period,
        results.gl_account_id,
        results.amount_dc
    from {{ ref('exact__profit_and_loss') }} as results
    inner join scenarios
        on results.division_id = scenarios.division_id
        and results.financial_year = scenarios.financial_year
),

together as (
    select
        coalesce(budgets.division_id, actual.division_id) as division_id,
        coalesce(budgets.budget_scenario_code, actual.budget_scenario_code) as budget_scenario_code,
        coalesce(budgets.financial_year, actual.financial_year) as financial_year,
        coalesce(budgets.financial_period, actual.financial_period) as financial_period,
        coalesce(budgets.gl_account_id, actual.gl_account_id) as gl_account_id,
        coalesce(budgets.budget_dc, 0) as budget_dc,
        coalesce(actual.amount_dc, 0) as actual_dc
    from {{ ref('int_exact__budgets') }} as budgets
    full outer join actual
        on budgets.division_id = actual.division_id
        and budgets.budget_scenario_code = actual.budget_scenario_code
        and budgets.financial_year = actual.financial_year
        and budgets.financial_period = actual.financial_period
        and budgets.gl_account_id = actual.gl_account_id
),

signed as (
    select
        together.division_id,
        together.budget_scenario_code,
        together.financial_year,
        together.financial_period,
        together.gl_account_id,
        accounts.gl_account_code,
        accounts.gl_account_name,
        accounts.section,
        accounts.section_position,
        -together.budget_dc as budget_dc,
        together.actual_dc
    from together
    inner join {{ ref('int_exact__chart_of_accounts') }} as accounts
        on together.division_id = accounts.division_id
        and together.gl_account_id = accounts.gl_account_id
)

select
    signed.*,
    actual_dc - budget_dc as difference_dc
from signed
