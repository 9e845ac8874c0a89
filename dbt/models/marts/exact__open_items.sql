-- What is open on the day of the report, an item for each term of payment.
select
    items.division_id,
    divisions.division_name,
    divisions.currency as division_currency,
    items.as_of_date,
    items.side,
    items.term_id,
    items.transaction_line_id,
    items.entry_id,
    items.account_id,
    relations.code as account_code,
    relations.name as account_name,
    items.invoice_number,
    items.your_ref,
    items.description,
    items.invoice_date,
    items.due_date,
    items.days_overdue,
    items.currency,
    items.amount_dc,
    items.amount_fc
from {{ ref('int_exact__ageing') }} as items
left join {{ ref('int_exact__divisions') }} as divisions on items.division_id = divisions.division_id
left join {{ ref('stg_exact__accounts') }} as relations
    on items.division_id = relations.division_id and items.account_id = relations.id
where items.as_of_kind = 'today'
