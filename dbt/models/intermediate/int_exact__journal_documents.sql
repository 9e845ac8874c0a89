-- General journal entries; what an entry is called and its day stand on its first line.
{{ config(materialized='view') }}
with first_lines as (
    select
        division_id,
        entry_id,
        description,
        date,
        row_number() over (partition by division_id, entry_id order by line_number, id) as place
    from {{ ref('stg_exact__general_journal_entry_lines') }}
)

select
    entries.*,
    first_lines.description as title,
    first_lines.date as posted_at,
    {{ exact_online.period_label('entries.financial_year', 'entries.financial_period') }} as accounting_period,
    types.type_name as source_type
from {{ ref('stg_exact__general_journal_entries') }} as entries
left join first_lines
    on entries.division_id = first_lines.division_id
    and entries.entry_id = first_lines.entry_id
    and first_lines.place = 1
left join {{ ref('exact__transaction_types') }} as types on entries.type = types.type
