-- Open items at the ends of the last periods, and on the day of the report. At the end of a period that
-- counts which the entry and the payment were booked in; on a day their dates count.
{%- set kept = var('exact__ageing_periods', 24) %}
with days as (
    select
        division_id,
        'period_end' as as_of_kind,
        {{ exact_online.period_label('financial_year', 'financial_period') }} as as_of,
        end_date as as_of_date,
        financial_year,
        financial_period,
        period_number
    from (
        select
            periods.*,
            row_number() over (partition by division_id order by period_number desc) as age
        from {{ ref('int_exact__fiscal_periods') }} as periods
        where end_date < {{ exact_online.as_of() }}
    ) as ended
    where age <= {{ kept }}

    union all

    select
        division_id,
        'today' as as_of_kind,
        'today' as as_of,
        {{ exact_online.as_of() }} as as_of_date,
        cast(null as {{ dbt.type_bigint() }}) as financial_year,
        cast(null as {{ dbt.type_bigint() }}) as financial_period,
        cast(null as {{ dbt.type_bigint() }}) as period_number
    from {{ ref('int_exact__divisions') }}
)

select
    days.as_of_kind,
    days.as_of,
    days.as_of_date,
    days.financial_year,
    days.financial_period,
    days.period_number,
    items.*,
    {{ exact_online.days_between('items.due_date', 'days.as_of_date') }} as days_overdue
from days
inner join {{ ref('int_exact__open_items') }} as items
    on days.division_id = items.division_id
    and (
        (
            days.as_of_kind = 'period_end'
            and items.opened_in <= days.period_number
            and (items.closed_in is null or items.closed_in > days.period_number)
        )
        or (
            days.as_of_kind = 'today'
            and items.entry_date <= days.as_of_date
            and (items.last_payment_date is null or items.last_payment_date > days.as_of_date)
        )
    )
