-- What is open of invoices and bills in each currency is what is open of their terms.
with documents as (
    select company_id, 'receivable' as side, currency, balance from {{ ref('unified_exact__invoices') }}
    union all
    select company_id, 'receivable', currency, -balance from {{ ref('unified_exact__credit_notes') }}
    union all
    select company_id, 'payable', currency, case when type = 'bill' then balance else -balance end
    from {{ ref('unified_exact__bills') }}
),

balances as (
    select company_id, side, currency, sum(coalesce(balance, 0)) as amount_fc
    from documents
    group by 1, 2, 3
),

open_items as (
    select division_id, side, currency, sum(amount_fc) as amount_fc
    from {{ ref('int_exact__open_items') }}
    where not is_fully_paid
        and (side = 'receivable' or division_id in {{ exact_online.loaded('stg_exact__purchase_entries') }})
        and (
            (side = 'payable' and transaction_type in (30, 31))
            or (side = 'receivable' and transaction_type in (20, 21) and invoice_number in (
                select number from {{ ref('unified_exact__invoices') }} where number is not null
                union all
                select number from {{ ref('unified_exact__credit_notes') }} where number is not null
            ))
        )
    group by 1, 2, 3
)

select coalesce(balances.company_id, open_items.division_id) as company_id
from balances
full outer join open_items
    on balances.company_id = open_items.division_id
    and balances.side = open_items.side
    and balances.currency = open_items.currency
where coalesce(balances.amount_fc, 0) <> coalesce(open_items.amount_fc, 0)
