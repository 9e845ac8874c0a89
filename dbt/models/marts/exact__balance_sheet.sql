-- Debit is positive. What profit and loss adds to equity has two rows: the result of the year, and that
-- of years before which no entry has carried to an account of equity.
with results as (
    select
        division_id,
        financial_year,
        financial_period,
        period_number,
        start_date,
        end_date,
        {{ exact_online.total('movement_dc') }} as movement_dc
    from {{ ref('int_exact__period_balances') }}
    where balance_type = 'W'
    group by 1, 2, 3, 4, 5, 6
),

accumulated as (
    select
        results.*,
        sum(movement_dc) over (
            partition by division_id, financial_year
            order by period_number
            rows between unbounded preceding and current row
        ) as of_the_year_dc,
        sum(movement_dc) over (
            partition by division_id
            order by period_number
            rows between unbounded preceding and current row
        ) as of_all_years_dc
    from results
),

lines as (
    select
        balances.division_id,
        balances.financial_year,
        balances.financial_period,
        balances.period_number,
        balances.start_date,
        balances.end_date,
        balances.gl_account_id as line_id,
        balances.gl_account_id,
        accounts.gl_account_code,
        accounts.gl_account_name as line_name,
        accounts.section,
        accounts.classification_code,
        balances.closing_dc as amount_dc
    from {{ ref('int_exact__period_balances') }} as balances
    inner join {{ ref('int_exact__chart_of_accounts') }} as accounts
        on balances.division_id = accounts.division_id
        and balances.gl_account_id = accounts.gl_account_id
    where balances.balance_type = 'B'

    union all

    select
        division_id, financial_year, financial_period, period_number, start_date, end_date,
        'result_of_the_year', null, null, 'Result of the year', 'result', null,
        of_the_year_dc
    from accumulated

    union all

    select
        division_id, financial_year, financial_period, period_number, start_date, end_date,
        'result_of_years_before', null, null, 'Result of years before', 'result', null,
        of_all_years_dc - of_the_year_dc
    from accumulated
)

select
    lines.division_id,
    divisions.division_name,
    divisions.currency as division_currency,
    lines.financial_year,
    lines.financial_period,
    lines.period_number,
    lines.start_date,
    lines.end_date,
    lines.line_id,
    lines.gl_account_id,
    lines.gl_account_code,
    lines.line_name,
    lines.section,
    sections.heading,
    sections.position as section_position,
    lines.classification_code,
    lines.amount_dc
from lines
inner join {{ ref('exact__sections') }} as sections on lines.section = sections.section
left join {{ ref('int_exact__divisions') }} as divisions on lines.division_id = divisions.division_id
