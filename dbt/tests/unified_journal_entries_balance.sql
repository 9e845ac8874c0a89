select company_id, journal_entry_id
from {{ ref('unified_exact__journal_entry_line_items') }}
group by 1, 2
having sum(case when type = 'debit' then total_amount else -total_amount end) <> 0
