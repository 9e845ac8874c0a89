-- The result of the year in equity is that of profit and loss, less what an entry carried on.
with results as (
    select division_id, period_number, sum(year_to_date_dc) as amount_dc
    from {{ ref('exact__profit_and_loss') }}
    group by 1, 2
),

carried as (
    select
        periods.division_id,
        periods.period_number,
        sum(lines.amount_dc) as amount_dc
    from results as periods
    inner join {{ ref('exact__general_ledger') }} as lines
        on periods.division_id = lines.division_id
        and lines.transaction_type = 326
        and lines.balance_type = 'W'
        and lines.period_number <= periods.period_number
        and lines.period_number > periods.period_number - periods.period_number % 100
    group by 1, 2
)

select results.division_id, results.period_number
from results
inner join {{ ref('exact__balance_sheet') }} as sheet
    on results.division_id = sheet.division_id
    and results.period_number = sheet.period_number
    and sheet.line_id = 'result_of_the_year'
left join carried
    on results.division_id = carried.division_id and results.period_number = carried.period_number
where results.amount_dc <> coalesce(carried.amount_dc, 0) - sheet.amount_dc
