select
    balances.division_id,
    divisions.division_name,
    divisions.currency as division_currency,
    balances.financial_year,
    balances.financial_period,
    balances.period_number,
    balances.start_date,
    balances.end_date,
    balances.gl_account_id,
    accounts.gl_account_code,
    accounts.gl_account_name,
    balances.balance_type,
    accounts.section,
    accounts.classification_code,
    balances.opening_dc,
    balances.debit_dc,
    balances.credit_dc,
    balances.movement_dc,
    balances.closing_dc
from {{ ref('int_exact__period_balances') }} as balances
inner join {{ ref('int_exact__chart_of_accounts') }} as accounts
    on balances.division_id = accounts.division_id and balances.gl_account_id = accounts.gl_account_id
left join {{ ref('int_exact__divisions') }} as divisions
    on balances.division_id = divisions.division_id
