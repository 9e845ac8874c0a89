-- Those that Exact lists, but for a last period that is one day of the year, for entries after its end.
select periods.division_id, periods.period_number
from {{ ref('int_exact__fiscal_periods') }} as periods
inner join {{ ref('int_exact__fiscal_periods') }} as others
    on periods.division_id = others.division_id
    and periods.period_number < others.period_number
    and periods.end_date >= others.start_date
where periods.is_listed and others.is_listed
    and not (others.financial_period > 12 and others.financial_year = periods.financial_year)
