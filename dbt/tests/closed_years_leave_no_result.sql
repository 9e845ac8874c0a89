-- The entry that carries the result of a year to equity carries all of it.
select division_id, financial_year
from {{ ref('int_exact__period_balances') }}
where balance_type = 'W'
group by 1, 2
having max(abs(transferred_dc)) > 0 and sum(movement_dc) <> 0
