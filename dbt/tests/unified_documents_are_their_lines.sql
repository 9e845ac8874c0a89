-- A discount of a whole invoice is not on its lines: it lowers its VAT by as much as its net amount.
with documents as (
    select
        company_id, id, 'invoice' as kind, sub_total, total_tax, total,
        coalesce(discount_amount, 0) as discount
    from {{ ref('unified_exact__invoices') }}
    where company_id in {{ exact_online.loaded('stg_exact__sales_invoice_lines') }}
    union all
    select notes.company_id, notes.id, 'credit_note', notes.sub_total, notes.total_tax, notes.total_amount,
        -coalesce(documents.sign * documents.amount_discount_excl_vat, 0)
    from {{ ref('unified_exact__credit_notes') }} as notes
    inner join {{ ref('int_exact__sales_documents') }} as documents
        on notes.company_id = documents.division_id and notes.id = documents.invoice_id
    where notes.company_id in {{ exact_online.loaded('stg_exact__sales_invoice_lines') }}
    union all
    select company_id, id, 'bill', sub_total, total_tax, total, 0
    from {{ ref('unified_exact__bills') }}
    where company_id in {{ exact_online.loaded('stg_exact__purchase_entry_lines') }}
),

lines as (
    select company_id, invoice_id as id, total_amount, tax_amount from {{ ref('unified_exact__invoice_line_items') }}
    union all
    select company_id, credit_note_id, total_amount, tax_amount from {{ ref('unified_exact__credit_note_line_items') }}
    union all
    select company_id, bill_id, total_amount, tax_amount from {{ ref('unified_exact__bill_line_items') }}
),

sums as (
    select company_id, id, sum(total_amount) as net, sum(coalesce(tax_amount, 0)) as tax
    from lines
    group by 1, 2
)

select documents.company_id, documents.kind, documents.id
from documents
left join sums on documents.company_id = sums.company_id and documents.id = sums.id
where documents.sub_total + documents.total_tax <> documents.total
    or documents.sub_total <> coalesce(sums.net, 0) - documents.discount
    or abs(
        documents.total_tax
        - coalesce(sums.tax, 0) * case when documents.discount = 0 then 1 else documents.sub_total / nullif(sums.net, 0) end
    ) > case when documents.discount = 0 then 0 else 0.01 end
