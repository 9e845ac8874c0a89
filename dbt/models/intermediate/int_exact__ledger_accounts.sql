-- Ledger accounts with their type in words and their balance after all that is booked.
{{ config(materialized='view') }}
with balances as (
    select
        balances.division_id,
        balances.gl_account_id,
        balances.closing_dc,
        row_number() over (
            partition by balances.division_id, balances.gl_account_id
            order by balances.period_number desc
        ) as age,
        first_value(balances.opening_dc) over (
            partition by balances.division_id, balances.gl_account_id, balances.financial_year
            order by balances.period_number
        ) as opening_dc
    from {{ ref('int_exact__period_balances') }} as balances
)

select
    accounts.*,
    accounts.code || ' ' || accounts.description as fully_qualified_name,
    chart.classification,
    chart.ledger_account_type,
    chart.classification_code,
    divisions.currency,
    balances.opening_dc as opening_balance,
    balances.closing_dc as current_balance
from {{ ref('stg_exact__gl_accounts') }} as accounts
inner join {{ ref('int_exact__chart_of_accounts') }} as chart
    on accounts.division_id = chart.division_id and accounts.id = chart.gl_account_id
left join {{ ref('int_exact__divisions') }} as divisions on accounts.division_id = divisions.division_id
left join balances
    on accounts.division_id = balances.division_id
    and accounts.id = balances.gl_account_id
    and balances.age = 1
