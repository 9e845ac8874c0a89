select results.division_id, results.gl_account_id, results.financial_year
from {{ ref('exact__profit_and_loss') }} as results
group by 1, 2, 3
having sum(amount_dc) <> sum(case when financial_period = (
    select max(last.financial_period) from {{ ref('exact__profit_and_loss') }} as last
    where last.division_id = results.division_id and last.financial_year = results.financial_year
) then year_to_date_dc else 0 end)
