-- The figures that Exact's reports give, from our own models.
{{ config(materialized='view') }}
{%- set nothing = "cast(null as " ~ dbt.type_bigint() ~ ")" %}
with totals as (
    select
        division_id,
        gl_account_id,
        financial_year,
        coalesce(transaction_type, 0) = 10 as is_opening,
        coalesce(status, 0) = 50 as is_processed,
        {{ exact_online.total('amount_dc') }} as amount_dc
    from {{ ref('int_exact__ledger_lines') }}
    group by 1, 2, 3, 4, 5
),

opened as (
    select distinct check_name, division_id, financial_year
    from {{ ref('int_exact__reports') }}
    where check_name like 'opening_balance%'
),

results as (
    select
        division_id,
        financial_year,
        financial_period,
        case when section = 'revenue' then 'revenue' else 'costs' end as subject,
        case when section = 'revenue' then amount_dc else -amount_dc end as amount_dc,
        amount_dc as result_dc
    from {{ ref('exact__profit_and_loss') }}
),

ages as (
    select
        division_id,
        side,
        account_id,
        case
            when days_overdue <= 30 then 'age_group_1'
            when days_overdue <= 60 then 'age_group_2'
            when days_overdue <= 90 then 'age_group_3'
            else 'age_group_4'
        end as age_group,
        days_overdue,
        amount_dc
    from {{ ref('int_exact__ageing') }}
    where as_of_kind = 'today'
)

select
    'reporting_balance' as check_name,
    division_id,
    financial_year,
    financial_period,
    gl_account_id as subject,
    movement_dc as amount_dc
from {{ ref('int_exact__period_balances') }}
where movement_dc <> 0

union all

select
    opened.check_name,
    opened.division_id,
    opened.financial_year,
    0,
    case
        when accounts.balance_type = 'W' or accounts.gl_account_type = 52 then 'retained_earnings'
        else accounts.gl_account_id
    end,
    totals.amount_dc
from opened
inner join totals
    on opened.division_id = totals.division_id
    and (
        totals.financial_year < opened.financial_year
        or (totals.financial_year = opened.financial_year and totals.is_opening)
    )
    and (totals.is_processed or opened.check_name like '%after_entry')
inner join {{ ref('int_exact__chart_of_accounts') }} as accounts
    on totals.division_id = accounts.division_id and totals.gl_account_id = accounts.gl_account_id

union all

select 'aging_' || side || 's_list', division_id, {{ nothing }}, {{ nothing }}, account_id || '/total', amount_dc
from ages

union all

select
    'aging_' || side || 's_list', division_id, {{ nothing }}, {{ nothing }}, account_id || '/' || age_group, amount_dc
from ages

union all

select 'aging_overview', division_id, {{ nothing }}, {{ nothing }}, side || '/' || age_group, amount_dc
from ages

union all

select 'outstanding_invoices_overview', division_id, {{ nothing }}, {{ nothing }}, side || '/outstanding', amount_dc
from ages

union all

select 'outstanding_invoices_overview', division_id, {{ nothing }}, {{ nothing }}, side || '/overdue', amount_dc
from ages
where days_overdue > 0

union all

select 'profit_loss_overview', division_id, financial_year, financial_period, subject, amount_dc
from results

union all

select 'profit_loss_overview', division_id, financial_year, 0, subject, amount_dc
from results

union all

select 'profit_loss_overview', division_id, financial_year, financial_period, 'result', result_dc
from results

union all

select 'profit_loss_overview', division_id, financial_year, 0, 'result', result_dc
from results

union all

select 'revenue_list', division_id, financial_year, financial_period, 'revenue', amount_dc
from results
where subject = 'revenue'
