-- The header of a purchase entry is the creditor's line of the ledger, and the sum of its lines with VAT.
with lines as (
    select division_id, entry_id, sum(amount_dc + coalesce(vat_amount_dc, 0)) as amount_dc
    from {{ ref('stg_exact__purchase_entry_lines') }}
    group by 1, 2
)

select entries.division_id, entries.entry_id
from {{ ref('stg_exact__purchase_entries') }} as entries
left join lines on entries.division_id = lines.division_id and entries.entry_id = lines.entry_id
left join {{ ref('stg_exact__transaction_lines') }} as creditor
    on entries.division_id = creditor.division_id
    and entries.entry_id = creditor.entry_id
    and creditor.line_number = 0
where entries.division_id in {{ exact_online.loaded('stg_exact__purchase_entry_lines') }}
    and (lines.amount_dc is null or creditor.amount_dc is null
    or entries.amount_dc <> lines.amount_dc or entries.amount_dc + creditor.amount_dc <> 0)
