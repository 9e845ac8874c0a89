select division_id, transaction_line_id
from {{ ref('exact__general_ledger') }}
where debit_dc - credit_dc <> amount_dc or debit_dc < 0 or credit_dc < 0 or (debit_dc <> 0 and credit_dc <> 0)
