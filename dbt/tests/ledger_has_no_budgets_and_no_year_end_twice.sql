select division_id, transaction_line_id
from {{ ref('exact__general_ledger') }}
where transaction_type in (327, 328, 3000)
