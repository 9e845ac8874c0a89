with open_items as (
    select division_id, sum(total_dc) as amount_dc
    from {{ ref('exact__aged_payables') }}
    where as_of_kind = 'today'
    group by 1
),

ledger as (
    select lines.division_id, -1 * sum(lines.amount_dc) as amount_dc
    from {{ ref('exact__general_ledger') }} as lines
    inner join {{ ref('int_exact__chart_of_accounts') }} as accounts
        on lines.division_id = accounts.division_id and lines.gl_account_id = accounts.gl_account_id
    where accounts.gl_account_type = 22 and lines.transaction_date <= {{ exact_online.as_of() }}
    group by 1
)

select ledger.division_id, ledger.amount_dc, open_items.amount_dc as open_dc
from ledger
left join open_items on ledger.division_id = open_items.division_id
where ledger.amount_dc <> coalesce(open_items.amount_dc, 0)
    and ledger.division_id in {{ exact_online.loaded('stg_exact__payment_terms') }}
