-- VAT of the lines of an entry is what is booked on accounts of VAT; not where the buyer owes it.
with charged as (
    select division_id, entry_id, sum(vat_amount_dc) as amount_dc
    from {{ ref('stg_exact__sales_entry_lines') }}
    group by 1, 2
),

left_out as (
    select lines.division_id, lines.entry_id
    from {{ ref('stg_exact__sales_entry_lines') }} as lines
    left join {{ ref('stg_exact__vat_codes') }} as codes
        on lines.division_id = codes.division_id and lines.vat_code = codes.code
    where codes.charged
),

booked as (
    select lines.division_id, lines.entry_id, -sum(lines.amount_dc) as amount_dc
    from {{ ref('exact__general_ledger') }} as lines
    inner join {{ ref('int_exact__chart_of_accounts') }} as accounts
        on lines.division_id = accounts.division_id and lines.gl_account_id = accounts.gl_account_id
    where accounts.gl_account_type = 24
    group by 1, 2
)

select charged.division_id, charged.entry_id
from charged
left join booked on charged.division_id = booked.division_id and charged.entry_id = booked.entry_id
left join left_out on charged.division_id = left_out.division_id and charged.entry_id = left_out.entry_id
where charged.amount_dc <> coalesce(booked.amount_dc, 0) and left_out.entry_id is null
