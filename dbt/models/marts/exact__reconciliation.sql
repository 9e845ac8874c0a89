-- Our figures beside those of Exact's own reports. A report is compared for the divisions, years and
-- periods that it was loaded for; what one side lacks counts as nothing.
{%- set keys = ['check_name', 'division_id', 'financial_year', 'financial_period', 'subject'] %}
with reported as (
    select
        check_name,
        division_id,
        coalesce(financial_year, 0) as financial_year,
        coalesce(financial_period, 0) as financial_period,
        subject,
        {{ exact_online.total('amount_dc') }} as amount_dc
    from {{ ref('int_exact__reports') }}
    group by 1, 2, 3, 4, 5
),

calculated as (
    select
        check_name,
        division_id,
        coalesce(financial_year, 0) as financial_year,
        coalesce(financial_period, 0) as financial_period,
        subject,
        {{ exact_online.total('amount_dc') }} as amount_dc
    from {{ ref('int_exact__report_figures') }}
    group by 1, 2, 3, 4, 5
),

-- Reports of a day have a row for a few periods alone; the balances have all periods of their years.
compared as (
    select distinct
        check_name,
        division_id,
        financial_year,
        case when check_name = 'reporting_balance' then -1 else financial_period end as financial_period
    from reported
),

ours as (
    select calculated.*
    from calculated
    inner join compared
        on calculated.check_name = compared.check_name
        and calculated.division_id = compared.division_id
        and calculated.financial_year = compared.financial_year
        and (compared.financial_period = -1 or calculated.financial_period = compared.financial_period)
    where calculated.amount_dc <> 0
),

together as (
    select
        {%- for key in keys %}
        coalesce(ours.{{ key }}, reported.{{ key }}) as {{ key }},
        {%- endfor %}
        coalesce(ours.amount_dc, 0) as ours_dc,
        coalesce(reported.amount_dc, 0) as exact_dc
    from ours
    full outer join reported
        on {% for key in keys %}{{ "and " if not loop.first }}ours.{{ key }} = reported.{{ key }}
        {% endfor %}
)

select
    together.*,
    ours_dc - exact_dc as difference_dc,
    case when ours_dc = exact_dc then 'equal' else 'differs' end as verdict
from together
