with followed as (
    select
        division_id,
        period_number,
        opening_dc,
        lag(closing_dc) over (partition by division_id order by period_number) as closing_before_dc
    from {{ ref('exact__cash_position') }}
)

select division_id, period_number
from followed
where opening_dc <> closing_before_dc
