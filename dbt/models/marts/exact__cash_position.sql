-- Cash and bank at the start and the end of each period, and what came in and went out.
select
    balances.division_id,
    divisions.division_name,
    divisions.currency as division_currency,
    balances.financial_year,
    balances.financial_period,
    balances.period_number,
    balances.start_date,
    balances.end_date,
    {{ exact_online.total('balances.opening_dc') }} as opening_dc,
    {{ exact_online.total('balances.debit_dc') }} as received_dc,
    {{ exact_online.total('balances.credit_dc') }} as paid_dc,
    {{ exact_online.total('balances.closing_dc') }} as closing_dc
from {{ ref('int_exact__period_balances') }} as balances
inner join {{ ref('int_exact__chart_of_accounts') }} as accounts
    on balances.division_id = accounts.division_id and balances.gl_account_id = accounts.gl_account_id
left join {{ ref('int_exact__divisions') }} as divisions
    on balances.division_id = divisions.division_id
where accounts.section = 'cash_and_bank'
group by 1, 2, 3, 4, 5, 6, 7, 8
