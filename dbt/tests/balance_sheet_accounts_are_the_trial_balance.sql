select sheet.division_id, sheet.line_id, sheet.period_number
from {{ ref('exact__balance_sheet') }} as sheet
left join {{ ref('exact__trial_balance') }} as balances
    on sheet.division_id = balances.division_id
    and sheet.gl_account_id = balances.gl_account_id
    and sheet.period_number = balances.period_number
where sheet.gl_account_id is not null
    and (balances.closing_dc is null or balances.closing_dc <> sheet.amount_dc or balances.balance_type <> 'B')
