with sold as (
    select division_id, financial_year, financial_period, sum(revenue_dc) as amount_dc
    from {{ ref('exact__revenue_by_customer_and_item') }}
    group by 1, 2, 3
),

earned as (
    select division_id, financial_year, financial_period, sum(amount_dc) as amount_dc
    from {{ ref('exact__profit_and_loss') }}
    where section = 'revenue'
    group by 1, 2, 3
)

select earned.division_id, earned.financial_year, earned.financial_period
from earned
left join sold
    on earned.division_id = sold.division_id
    and earned.financial_year = sold.financial_year
    and earned.financial_period = sold.financial_period
where earned.amount_dc <> coalesce(sold.amount_dc, 0)
