-- What was booked on each account in each period, from the first to the last period with lines, and the
-- balances around it. Accounts of the balance sheet carry on from year to year; those of profit and
-- loss start each year anew.
with moved as (
    select
        division_id,
        gl_account_id,
        financial_year,
        financial_period,
        {{ exact_online.total('debit_dc') }} as debit_dc,
        {{ exact_online.total('credit_dc') }} as credit_dc,
        {{ exact_online.total('amount_dc') }} as movement_dc,
        {{ exact_online.total('case when is_result_to_balance_sheet then amount_dc else 0 end') }} as transferred_dc
    from {{ ref('int_exact__ledger_lines') }}
    group by 1, 2, 3, 4
),

span as (
    select
        division_id,
        min({{ exact_online.period_number('financial_year', 'financial_period') }}) as first_period,
        max({{ exact_online.period_number('financial_year', 'financial_period') }}) as last_period
    from moved
    group by 1
),

grid as (
    select
        accounts.division_id,
        accounts.gl_account_id,
        accounts.balance_type,
        periods.financial_year,
        periods.financial_period,
        periods.period_number,
        periods.start_date,
        periods.end_date
    from {{ ref('int_exact__chart_of_accounts') }} as accounts
    inner join (select distinct division_id, gl_account_id from moved) as used
        on accounts.division_id = used.division_id and accounts.gl_account_id = used.gl_account_id
    inner join span on accounts.division_id = span.division_id
    inner join {{ ref('int_exact__fiscal_periods') }} as periods
        on accounts.division_id = periods.division_id
        and periods.period_number between span.first_period and span.last_period
),

filled as (
    select
        grid.*,
        coalesce(moved.debit_dc, 0) as debit_dc,
        coalesce(moved.credit_dc, 0) as credit_dc,
        coalesce(moved.movement_dc, 0) as movement_dc,
        coalesce(moved.transferred_dc, 0) as transferred_dc,
        -- Years of profit and loss stand alone; the balance sheet is one series.
        case when grid.balance_type = 'W' then grid.financial_year else 0 end as series
    from grid
    left join moved
        on grid.division_id = moved.division_id
        and grid.gl_account_id = moved.gl_account_id
        and grid.financial_year = moved.financial_year
        and grid.financial_period = moved.financial_period
)

{#- Snowflake knows no windows with a name. -#}
{%- set series_so_far -%}
(
        partition by division_id, gl_account_id, series
        order by period_number
        rows between unbounded preceding and current row
    )
{%- endset %}

select
    division_id,
    gl_account_id,
    balance_type,
    financial_year,
    financial_period,
    period_number,
    start_date,
    end_date,
    sum(movement_dc) over {{ series_so_far }} - movement_dc as opening_dc,
    debit_dc,
    credit_dc,
    movement_dc,
    transferred_dc,
    sum(movement_dc) over {{ series_so_far }} as closing_dc
from filled
