-- Which document a line of money pays: the ledger line that it names is of an invoice or a bill.
{{ config(materialized='view') }}
select
    money.division_id,
    money.id,
    money.offset_id,
    money.date,
    case when money.is_received then 'invoice' else 'bill' end as type,
    case
        when money.is_received then invoices.invoice_id
        else bills.entry_id
    end as document_id,
    paid.invoice_number as document_number,
    case when money.is_received then money.amount_fc else -money.amount_fc end as amount
from {{ ref('int_exact__money_lines') }} as money
inner join {{ ref('stg_exact__transaction_lines') }} as paid
    on money.division_id = paid.division_id and money.offset_id = paid.id
left join {{ ref('stg_exact__sales_invoices') }} as invoices
    on paid.division_id = invoices.division_id
    and paid.invoice_number = invoices.invoice_number
    and paid.type in (20, 21)
left join {{ ref('stg_exact__purchase_entries') }} as bills
    on paid.division_id = bills.division_id and paid.entry_id = bills.entry_id
