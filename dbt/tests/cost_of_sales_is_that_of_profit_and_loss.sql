with sold as (
    select division_id, financial_year, financial_period, sum(cost_of_sales_dc) as amount_dc
    from {{ ref('exact__revenue_by_customer_and_item') }}
    group by 1, 2, 3
),

spent as (
    select division_id, financial_year, financial_period, sum(amount_dc) as amount_dc
    from {{ ref('exact__profit_and_loss') }}
    where section = 'cost_of_sales'
    group by 1, 2, 3
)

select spent.division_id, spent.financial_year, spent.financial_period
from spent
left join sold
    on spent.division_id = sold.division_id
    and spent.financial_year = sold.financial_year
    and spent.financial_period = sold.financial_period
where spent.amount_dc <> coalesce(sold.amount_dc, 0)
