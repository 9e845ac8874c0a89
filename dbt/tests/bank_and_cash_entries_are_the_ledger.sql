-- Each line of a statement is booked on its account, with the other sign: what comes in is a credit there.
with lines as (
    select division_id, entry_id, gl_account_id, sum(amount_dc) as amount_dc
    from (
        select division_id, entry_id, gl_account_id, amount_dc from {{ ref('stg_exact__bank_entry_lines') }}
        union all
        select division_id, entry_id, gl_account_id, amount_dc from {{ ref('stg_exact__cash_entry_lines') }}
    ) as both_kinds
    group by 1, 2, 3
),

ledger as (
    select division_id, entry_id, gl_account_id, sum(amount_dc) as amount_dc
    from {{ ref('stg_exact__transaction_lines') }}
    group by 1, 2, 3
)

select lines.division_id, lines.entry_id, lines.gl_account_id
from lines
left join ledger
    on lines.division_id = ledger.division_id
    and lines.entry_id = ledger.entry_id
    and lines.gl_account_id = ledger.gl_account_id
where ledger.amount_dc is null or lines.amount_dc + ledger.amount_dc <> 0
