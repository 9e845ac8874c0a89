with lines as (
    select division_id, entry_id, sum(amount_fc) as amount_fc
    from {{ ref('stg_exact__bank_entry_lines') }}
    group by 1, 2
)

select entries.division_id, entries.entry_id
from {{ ref('stg_exact__bank_entries') }} as entries
left join lines on entries.division_id = lines.division_id and entries.entry_id = lines.entry_id
where entries.division_id in {{ exact_online.loaded('stg_exact__bank_entry_lines') }}
    and entries.opening_balance_fc + coalesce(lines.amount_fc, 0) <> entries.closing_balance_fc
