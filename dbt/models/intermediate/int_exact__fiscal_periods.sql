-- Periods of financial years: those that Exact lists, and those that only the ledger knows.
with listed as (
    select
        division_id,
        fin_year as financial_year,
        fin_period as financial_period,
        min(start_date) as start_date,
        max(end_date) as end_date
    from {{ ref('stg_exact__financial_periods') }}
    group by 1, 2, 3
),

booked as (
    select
        division_id,
        financial_year,
        financial_period,
        min(transaction_date) as start_date,
        max(transaction_date) as end_date
    from {{ ref('int_exact__ledger_lines') }}
    group by 1, 2, 3
)

select
    coalesce(listed.division_id, booked.division_id) as division_id,
    coalesce(listed.financial_year, booked.financial_year) as financial_year,
    coalesce(listed.financial_period, booked.financial_period) as financial_period,
    {{ exact_online.period_number(
        'coalesce(listed.financial_year, booked.financial_year)',
        'coalesce(listed.financial_period, booked.financial_period)'
    ) }} as period_number,
    coalesce(listed.start_date, booked.start_date) as start_date,
    coalesce(listed.end_date, booked.end_date) as end_date,
    booked.division_id is not null as has_lines,
    listed.division_id is not null as is_listed
from listed
full outer join booked
    on listed.division_id = booked.division_id
    and listed.financial_year = booked.financial_year
    and listed.financial_period = booked.financial_period
