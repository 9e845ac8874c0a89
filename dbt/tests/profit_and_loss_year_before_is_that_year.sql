select this.division_id, this.gl_account_id, this.period_number
from {{ ref('exact__profit_and_loss') }} as this
inner join {{ ref('exact__profit_and_loss') }} as before
    on this.division_id = before.division_id
    and this.gl_account_id = before.gl_account_id
    and this.period_number - 100 = before.period_number
where this.year_before_dc is null
    or this.year_before_dc <> before.amount_dc
    or this.year_before_to_date_dc <> before.year_to_date_dc
