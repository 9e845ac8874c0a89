with aged as (
    select division_id, 'receivable' as side, account_id, total_dc
    from {{ ref('exact__aged_receivables') }} where as_of_kind = 'today'
    union all
    select division_id, 'payable', account_id, total_dc
    from {{ ref('exact__aged_payables') }} where as_of_kind = 'today'
),

items as (
    select division_id, side, account_id, sum(amount_dc) as total_dc
    from {{ ref('exact__open_items') }}
    group by 1, 2, 3
)

select coalesce(aged.division_id, items.division_id) as division_id
from aged
full outer join items
    on aged.division_id = items.division_id and aged.side = items.side and aged.account_id = items.account_id
where coalesce(aged.total_dc, 0) <> coalesce(items.total_dc, 0)
