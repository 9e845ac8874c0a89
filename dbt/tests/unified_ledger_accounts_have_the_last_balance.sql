with last as (
    select
        division_id,
        gl_account_id,
        closing_dc,
        row_number() over (partition by division_id, gl_account_id order by period_number desc) as age
    from {{ ref('exact__trial_balance') }}
)

select accounts.company_id, accounts.id
from {{ ref('unified_exact__ledger_accounts') }} as accounts
left join last
    on accounts.company_id = last.division_id and accounts.id = last.gl_account_id and last.age = 1
where coalesce(accounts.current_balance, 0) <> coalesce(last.closing_dc, 0)
    or accounts.classification is null or accounts.type is null
