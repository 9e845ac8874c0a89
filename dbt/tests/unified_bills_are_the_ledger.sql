select bills.company_id, bills.id
from {{ ref('unified_exact__bills') }} as bills
left join {{ ref('exact__general_ledger') }} as creditors
    on bills.company_id = creditors.division_id
    and bills.id = creditors.entry_id
    and creditors.line_number = 0
where creditors.amount_fc is null
    or creditors.amount_fc <> case when bills.type = 'bill' then -bills.total else bills.total end
