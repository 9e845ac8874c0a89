select division_id, entry_id
from {{ ref('exact__general_ledger') }}
group by 1, 2
having count(distinct period_number) > 1 or count(distinct currency) > 1 or count(distinct journal_code) > 1
