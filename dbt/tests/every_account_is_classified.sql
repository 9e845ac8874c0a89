-- In a company that uses the scheme.
select accounts.division_id, accounts.gl_account_code
from {{ ref('int_exact__chart_of_accounts') }} as accounts
where accounts.classification_code is null
    and accounts.division_id in (select division_id from {{ ref('int_exact__classifications') }})
    and accounts.gl_account_id in (select gl_account_id from {{ ref('int_exact__ledger_lines') }})
