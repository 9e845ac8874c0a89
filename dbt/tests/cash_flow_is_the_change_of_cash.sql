with flows as (
    select division_id, period_number, sum(net_dc) as net_dc
    from {{ ref('exact__cash_flow') }}
    group by 1, 2
)

select cash.division_id, cash.period_number
from {{ ref('exact__cash_position') }} as cash
left join flows on cash.division_id = flows.division_id and cash.period_number = flows.period_number
where cash.closing_dc - cash.opening_dc <> coalesce(flows.net_dc, 0)
