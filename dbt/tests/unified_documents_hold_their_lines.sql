-- A document with lines has them inside, and one without has none.
with documents as (
    select company_id, id, line_items is not null as has_lines from {{ ref('unified_exact__invoices') }}
    union all
    select company_id, id, line_items is not null from {{ ref('unified_exact__credit_notes') }}
    union all
    select company_id, id, line_items is not null from {{ ref('unified_exact__bills') }}
    union all
    select company_id, id, line_items is not null from {{ ref('unified_exact__journal_entries') }}
),

lines as (
    select company_id, invoice_id as id from {{ ref('unified_exact__invoice_line_items') }}
    union all
    select company_id, credit_note_id from {{ ref('unified_exact__credit_note_line_items') }}
    union all
    select company_id, bill_id from {{ ref('unified_exact__bill_line_items') }}
    union all
    select company_id, journal_entry_id from {{ ref('unified_exact__journal_entry_line_items') }}
)

select documents.company_id, documents.id
from documents
left join lines on documents.company_id = lines.company_id and documents.id = lines.id
where documents.has_lines <> (lines.id is not null)
