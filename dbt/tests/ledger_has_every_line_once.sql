-- No join of the ledger drops or repeats a line: count and sums are those of the lines as they were loaded.
with loaded as (
    select division_id, count(*) as line_count, sum(amount_dc) as amount_dc, sum(abs(amount_fc)) as size_fc
    from {{ ref('stg_exact__transaction_lines') }}
    where coalesce(type, 0) not in (327, 328, 3000)
    group by 1
),

ledger as (
    select division_id, count(*) as line_count, sum(amount_dc) as amount_dc, sum(abs(amount_fc)) as size_fc
    from {{ ref('exact__general_ledger') }}
    group by 1
)

select loaded.division_id
from loaded
full outer join ledger on loaded.division_id = ledger.division_id
where ledger.line_count is null or loaded.line_count is null
    or loaded.line_count <> ledger.line_count
    or loaded.amount_dc <> ledger.amount_dc
    or loaded.size_fc <> ledger.size_fc
