with documents as (
    select company_id, id, 'invoice' as kind, sub_total, total_tax, total from {{ ref('unified_exact__invoices') }}
    where company_id in {{ exact_online.loaded('stg_exact__sales_invoice_lines') }}
    union all
    select company_id, id, 'credit_note', sub_total, total_tax, total_amount from {{ ref('unified_exact__credit_notes') }}
    where company_id in {{ exact_online.loaded('stg_exact__sales_invoice_lines') }}
    union all
    select company_id, id, 'bill', sub_total, total_tax, total from {{ ref('unified_exact__bills') }}
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
    or documents.sub_total <> coalesce(sums.net, 0)
    or documents.total_tax <> coalesce(sums.tax, 0)
