-- Income is positive, costs are negative: what is added up is the result. The entry that carries the
-- result to the balance sheet at the end of a year is left out.
with results as (
    select
        balances.*,
        -(balances.movement_dc - balances.transferred_dc) as amount_dc
    from {{ ref('int_exact__period_balances') }} as balances
    where balances.balance_type = 'W'
),

so_far as (
    select
        results.*,
        sum(amount_dc) over (
            partition by division_id, gl_account_id, financial_year
            order by financial_period
            rows between unbounded preceding and current row
        ) as year_to_date_dc
    from results
)

select
    so_far.division_id,
    divisions.division_name,
    divisions.currency as division_currency,
    so_far.financial_year,
    so_far.financial_period,
    so_far.period_number,
    so_far.start_date,
    so_far.end_date,
    so_far.gl_account_id,
    accounts.gl_account_code,
    accounts.gl_account_name,
    accounts.section,
    accounts.heading,
    accounts.section_position,
    accounts.classification_code,
    so_far.amount_dc,
    so_far.year_to_date_dc,
    year_before.amount_dc as year_before_dc,
    year_before.year_to_date_dc as year_before_to_date_dc
from so_far
inner join {{ ref('int_exact__chart_of_accounts') }} as accounts
    on so_far.division_id = accounts.division_id and so_far.gl_account_id = accounts.gl_account_id
left join {{ ref('int_exact__divisions') }} as divisions on so_far.division_id = divisions.division_id
left join so_far as year_before
    on so_far.division_id = year_before.division_id
    and so_far.gl_account_id = year_before.gl_account_id
    and so_far.financial_year = year_before.financial_year + 1
    and so_far.financial_period = year_before.financial_period
