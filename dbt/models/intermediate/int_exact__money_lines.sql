-- Lines of bank and cash entries on accounts of debtors and creditors: money received and paid.
{{ config(materialized='view') }}
{%- set columns = [
    'division_id', 'id', 'entry_id', 'entry_number', 'line_number', 'date', 'account_id', 'account_code',
    'account_name', 'gl_account_id', 'amount_dc', 'amount_fc', 'exchange_rate', 'description', 'our_ref',
    'offset_id', 'created', 'modified',
] %}
with lines as (
    {%- for kind in ['bank', 'cash'] %}
    select
        {%- for column in columns %}
        lines.{{ column }},
        {%- endfor %}
        entries.journal_code,
        entries.currency,
        entries.status as status_code
    from {{ ref('stg_exact__' ~ kind ~ '_entry_lines') }} as lines
    inner join {{ ref('stg_exact__' ~ kind ~ '_entries') }} as entries
        on lines.division_id = entries.division_id and lines.entry_id = entries.entry_id
    {{ "union all" if not loop.last }}
    {%- endfor %}
)

select
    lines.*,
    coalesce(relations.code, lines.account_code) as relation_display_id,
    coalesce(relations.name, lines.account_name) as relation_display_name,
    journals.gl_account_id as money_account_id,
    accounts.gl_account_type in (20, 21) as is_received,
    case
        when accounts.gl_account_type = 22 and lines.offset_id is null then 'accounts_payable_overpayment'
        when accounts.gl_account_type = 22 then 'accounts_payable'
        when accounts.gl_account_type = 21 then 'accounts_receivable_prepayment'
        when lines.offset_id is null then 'accounts_receivable_overpayment'
        else 'accounts_receivable'
    end as type,
    case when lines.status_code = 50 then 'paid' else 'authorised' end as status,
    lines.offset_id is not null as reconciled
from lines
inner join {{ ref('int_exact__chart_of_accounts') }} as accounts
    on lines.division_id = accounts.division_id
    and lines.gl_account_id = accounts.gl_account_id
    and accounts.gl_account_type in (20, 21, 22)
left join {{ ref('stg_exact__journals') }} as journals
    on lines.division_id = journals.division_id and lines.journal_code = journals.code
left join {{ ref('stg_exact__accounts') }} as relations
    on lines.division_id = relations.division_id and lines.account_id = relations.id
where lines.account_id is not null
