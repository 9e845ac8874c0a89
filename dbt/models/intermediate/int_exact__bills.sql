-- Purchase entries: bills, and credit notes of suppliers with positive amounts as well.
{{ config(materialized='view') }}
with terms as (
    select
        division_id,
        entry_id,
        sum(case when is_fully_paid then 0 else amount_fc end) as balance_fc,
        max(last_payment_date) as paid_date
    from {{ ref('int_exact__open_items') }}
    where side = 'payable'
    group by 1, 2
),

signed as (
    select
        entries.*,
        case when entries.type = 31 then -1 else 1 end as sign
    from {{ ref('stg_exact__purchase_entries') }} as entries
)

select
    entries.*,
    case when entries.type = 31 then 'accounts_payable_credit' else 'bill' end as document_type,
    relations.code as supplier_display_id,
    coalesce(relations.name, entries.supplier_name) as supplier_display_name,
    sign * (entries.amount_fc - coalesce(entries.vat_amount_fc, 0)) as sub_total,
    sign * entries.vat_amount_fc as total_tax,
    sign * entries.amount_fc as total,
    sign * terms.balance_fc as balance,
    case when terms.balance_fc = 0 then terms.paid_date end as paid_date,
    {{ exact_online.period_label('entries.reporting_year', 'entries.reporting_period') }} as accounting_period,
    case
        when entries.status = 5 then 'void'
        when terms.balance_fc = 0 then 'paid'
        when terms.balance_fc <> entries.amount_fc then 'partially_paid'
        when entries.status = 20 then 'authorised'
        else 'posted'
    end as status_word
from signed as entries
left join terms on entries.division_id = terms.division_id and entries.entry_id = terms.entry_id
left join {{ ref('stg_exact__accounts') }} as relations
    on entries.division_id = relations.division_id and entries.supplier_id = relations.id
