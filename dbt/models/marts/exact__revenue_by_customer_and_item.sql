-- Revenue as the ledger has it, positive; a credit note is part of it, and has a column of its own.
-- Costs of sales that name the item are beside it, for the margin.
with lines as (
    select
        lines.division_id,
        lines.financial_year,
        lines.financial_period,
        lines.account_id,
        lines.item_id,
        accounts.section,
        lines.transaction_type,
        lines.quantity,
        -lines.amount_dc as amount_dc
    from {{ ref('int_exact__ledger_lines') }} as lines
    inner join {{ ref('int_exact__chart_of_accounts') }} as accounts
        on lines.division_id = accounts.division_id and lines.gl_account_id = accounts.gl_account_id
    where accounts.section in ('revenue', 'cost_of_sales') and not lines.is_result_to_balance_sheet
),

sold as (
    select
        division_id,
        financial_year,
        financial_period,
        account_id,
        item_id,
        {{ exact_online.total("case when section = 'revenue' then amount_dc else 0 end") }} as revenue_dc,
        {{ exact_online.total(
            "case when section = 'revenue' and transaction_type = 21 then amount_dc else 0 end"
        ) }} as credited_dc,
        {{ exact_online.total("case when section = 'revenue' then quantity else 0 end") }} as quantity,
        {{ exact_online.total("case when section = 'cost_of_sales' then amount_dc else 0 end") }}
            as cost_of_sales_dc
    from lines
    group by 1, 2, 3, 4, 5
)

select
    sold.division_id,
    divisions.division_name,
    divisions.currency as division_currency,
    sold.financial_year,
    sold.financial_period,
    coalesce(sold.account_id, 'none') as account_key,
    coalesce(sold.item_id, 'none') as item_key,
    sold.account_id,
    relations.code as account_code,
    relations.name as account_name,
    sold.item_id,
    items.code as item_code,
    items.description as item_name,
    sold.revenue_dc,
    sold.credited_dc,
    sold.quantity,
    sold.cost_of_sales_dc,
    sold.revenue_dc + sold.cost_of_sales_dc as margin_dc
from sold
left join {{ ref('int_exact__divisions') }} as divisions on sold.division_id = divisions.division_id
left join {{ ref('stg_exact__accounts') }} as relations
    on sold.division_id = relations.division_id and sold.account_id = relations.id
left join {{ ref('stg_exact__items') }} as items
    on sold.division_id = items.division_id and sold.item_id = items.id
