-- Sales invoices and credit notes with positive amounts for what a customer owes. Their feed may have
-- amounts with the sign turned: a company whose invoices add up to less than nothing has it so.
{{ config(materialized='view') }}
{%- set sign = var('exact__sales_sign', 'auto') %}
with signs as (
    select
        division_id,
        {%- if sign == 'negated' %}
        -1 as sign
        {%- elif sign == 'as_is' %}
        1 as sign
        {%- else %}
        case
            when sum(case when status = 50 and type in (8020, 8023) then amount_dc else 0 end) < 0 then -1
            else 1
        end as sign
        {%- endif %}
    from {{ ref('stg_exact__sales_invoices') }}
    group by 1
),

rates as (
    select division_id, invoice_number, max(exchange_rate) as exchange_rate
    from {{ ref('int_exact__ledger_lines') }}
    where transaction_type in (20, 21) and line_number = 0 and invoice_number is not null
    group by 1, 2
),

terms as (
    select
        division_id,
        invoice_number,
        sum(case when is_fully_paid then 0 else amount_fc end) as balance_fc,
        max(last_payment_date) as paid_date,
        max(payment_method) as payment_method
    from {{ ref('int_exact__open_items') }}
    where side = 'receivable' and transaction_type in (20, 21) and invoice_number is not null
    group by 1, 2
),

inclusive as (
    select
        lines.division_id,
        lines.invoice_id,
        min(case when codes.type = 'I' then 1 else 0 end) as all_inclusive
    from {{ ref('stg_exact__sales_invoice_lines') }} as lines
    inner join {{ ref('stg_exact__vat_codes') }} as codes
        on lines.division_id = codes.division_id and lines.vat_code = codes.code
    group by 1, 2
)

select
    documents.division_id,
    documents.invoice_id,
    documents.type in (8021, 8024) as is_credit_note,
    signs.sign,
    documents.status as status_code,
    documents.type,
    documents.order_number,
    documents.invoice_number,
    documents.invoice_to_id,
    relations.code as customer_display_id,
    -- A customer that gets another name does not touch its invoices: the name on them may be an old one.
    coalesce(relations.name, documents.invoice_to_name) as customer_display_name,
    documents.ordered_by_id,
    documents.deliver_to_id,
    documents.invoice_date,
    documents.order_date,
    documents.due_date,
    documents.payment_condition,
    documents.payment_condition_description,
    documents.your_ref,
    documents.description,
    documents.remarks,
    documents.currency,
    documents.discount,
    documents.document_id,
    signs.sign * documents.amount_dc as amount_dc,
    signs.sign * documents.amount_fc as amount_fc,
    signs.sign * coalesce(documents.amount_fc_excl_vat, documents.amount_fc - documents.vat_amount_fc)
        as amount_fc_excl_vat,
    signs.sign * documents.vat_amount_dc as vat_amount_dc,
    signs.sign * documents.vat_amount_fc as vat_amount_fc,
    documents.amount_discount_excl_vat,
    coalesce(
        rates.exchange_rate,
        case when documents.amount_fc <> 0 then documents.amount_dc / documents.amount_fc end
    ) as currency_rate,
    case
        when documents.status = 50 then
            case when documents.type in (8021, 8024) then -terms.balance_fc else terms.balance_fc end
    end as balance,
    case
        when documents.status = 50 then
            case when documents.type in (8021, 8024) then -terms.balance_fc else terms.balance_fc end
    end as remaining_credit,
    case when terms.balance_fc = 0 then terms.paid_date end as paid_date,
    case when terms.balance_fc = 0 then terms.paid_date end as date_paid,
    case terms.payment_method
        when 'B' then 'on_credit'
        when 'I' then 'collection'
        when 'K' then 'cash'
        when 'V' then 'credit_card'
    end as payment_method,
    inclusive.all_inclusive = 1 as tax_inclusive,
    case
        when documents.status = 10 then 'draft'
        when documents.status = 20 and documents.type in (8021, 8024) then 'draft'
        when documents.status = 20 then 'submitted'
        when terms.balance_fc = 0 then 'paid'
        when terms.balance_fc <> signs.sign * documents.amount_fc then 'partially_paid'
        else 'authorised'
    end as status,
    documents.created,
    documents.modified,
    documents.creator_id,
    documents.modifier_id,
    documents.row_version
from {{ ref('stg_exact__sales_invoices') }} as documents
inner join signs on documents.division_id = signs.division_id
left join rates
    on documents.division_id = rates.division_id and documents.invoice_number = rates.invoice_number
left join terms
    on documents.division_id = terms.division_id and documents.invoice_number = terms.invoice_number
left join inclusive
    on documents.division_id = inclusive.division_id and documents.invoice_id = inclusive.invoice_id
left join {{ ref('stg_exact__accounts') }} as relations
    on documents.division_id = relations.division_id and documents.invoice_to_id = relations.id
