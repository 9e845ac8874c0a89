-- A processed invoice is the debtor's line of its entry, and a credit note that line with the sign turned.
with documents as (
    select company_id, number, currency, total from {{ ref('unified_exact__invoices') }}
    where status in ('authorised', 'partially_paid', 'paid')
    union all
    select company_id, number, currency, -total_amount from {{ ref('unified_exact__credit_notes') }}
    where status in ('authorised', 'partially_paid', 'paid')
),

debtors as (
    select division_id, invoice_number, currency, amount_fc
    from {{ ref('exact__general_ledger') }}
    where transaction_type in (20, 21) and line_number = 0
)

select documents.company_id, documents.number
from documents
left join debtors
    on documents.company_id = debtors.division_id and documents.number = debtors.invoice_number
where debtors.amount_fc is null
    or documents.total <> debtors.amount_fc
    or documents.currency <> debtors.currency
