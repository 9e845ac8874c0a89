-- What is closed at the end of a year (327) is opened again (328), or both have to be part of the ledger.
select division_id, gl_account_id
from {{ ref('stg_exact__transaction_lines') }}
where type in (327, 328)
group by 1, 2
having sum(amount_dc) <> 0
