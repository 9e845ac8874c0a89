-- Lines of a processed invoice, before VAT and less the discount of the whole, are what is booked on accounts of
-- revenue.
with lines as (
    select documents.company_id, documents.number,
        sum(lines.total_amount) - max(coalesce(documents.discount_amount, 0)) as net
    from {{ ref('unified_exact__invoices') }} as documents
    inner join {{ ref('unified_exact__invoice_line_items') }} as lines
        on documents.company_id = lines.company_id and documents.id = lines.invoice_id
    where documents.number is not null
    group by 1, 2
),

booked as (
    select division_id, invoice_number, -sum(amount_fc) as net
    from {{ ref('exact__general_ledger') }}
    where transaction_type = 20 and section = 'revenue'
    group by 1, 2
)

select lines.company_id, lines.number
from lines
left join booked on lines.company_id = booked.division_id and lines.number = booked.invoice_number
where lines.net <> coalesce(booked.net, 0)
