-- From the lines as they were loaded, past all models between.
with ledger as (
    select
        division_id,
        gl_account_id,
        financial_year,
        financial_period,
        sum(case when amount_dc > 0 then amount_dc else 0 end) as debit_dc,
        sum(case when amount_dc < 0 then -amount_dc else 0 end) as credit_dc
    from {{ ref('stg_exact__transaction_lines') }}
    where coalesce(type, 0) not in (327, 328, 3000)
    group by 1, 2, 3, 4
)

select coalesce(ledger.division_id, balance.division_id) as division_id
from ledger
full outer join {{ ref('exact__trial_balance') }} as balance
    on ledger.division_id = balance.division_id
    and ledger.gl_account_id = balance.gl_account_id
    and ledger.financial_year = balance.financial_year
    and ledger.financial_period = balance.financial_period
where coalesce(ledger.debit_dc, 0) <> coalesce(balance.debit_dc, 0)
    or coalesce(ledger.credit_dc, 0) <> coalesce(balance.credit_dc, 0)
