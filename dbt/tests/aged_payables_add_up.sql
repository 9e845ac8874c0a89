select division_id, account_id, as_of_date
from {{ ref('exact__aged_payables') }}
where not_due_dc + overdue_1_to_30_dc + overdue_31_to_60_dc + overdue_61_to_90_dc + overdue_over_90_dc <> total_dc
