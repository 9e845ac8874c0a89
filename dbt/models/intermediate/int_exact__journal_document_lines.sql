-- Lines of general journal entries.
{{ config(materialized='view') }}
select
    lines.*,
    case when lines.amount_fc < 0 then 'credit' else 'debit' end as type
from {{ ref('stg_exact__general_journal_entry_lines') }} as lines
