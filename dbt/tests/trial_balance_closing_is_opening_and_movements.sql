select division_id, gl_account_id, period_number
from {{ ref('exact__trial_balance') }}
where opening_dc + debit_dc - credit_dc <> closing_dc or debit_dc - credit_dc <> movement_dc
