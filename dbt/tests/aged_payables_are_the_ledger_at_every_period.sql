-- At the end of each period what is open is the balance of the accounts of type 22.
with open_items as (
    select division_id, period_number, sum(total_dc) as amount_dc
    from {{ ref('exact__aged_payables') }}
    where as_of_kind = 'period_end'
    group by 1, 2
),

ledger as (
    select
        balances.division_id,
        balances.period_number,
        -1 * sum(balances.closing_dc) as amount_dc
    from {{ ref('exact__trial_balance') }} as balances
    inner join {{ ref('int_exact__chart_of_accounts') }} as accounts
        on balances.division_id = accounts.division_id and balances.gl_account_id = accounts.gl_account_id
    where accounts.gl_account_type = 22 and balances.end_date < {{ exact_online.as_of() }}
    group by 1, 2
),

-- The ageing goes back to so many periods only.
kept as (
    select
        ledger.*,
        row_number() over (partition by division_id order by period_number desc) as age
    from ledger
)

select coalesce(kept.division_id, open_items.division_id) as division_id, kept.period_number
from kept
left join open_items
    on kept.division_id = open_items.division_id and kept.period_number = open_items.period_number
where kept.age <= {{ var('exact__ageing_periods', 24) }}
    and kept.division_id in {{ exact_online.loaded('stg_exact__payment_terms') }}
    and kept.amount_dc <> coalesce(open_items.amount_dc, 0)
