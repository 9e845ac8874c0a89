-- The direct method: each line beside the cash in an entry says what the cash was for.
with lines as (
    select
        lines.division_id,
        lines.entry_id,
        lines.financial_year,
        lines.financial_period,
        lines.period_number,
        accounts.section,
        lines.amount_dc,
        max(case when accounts.section = 'cash_and_bank' then 1 else 0 end)
            over (partition by lines.division_id, lines.entry_id) as moves_cash
    from {{ ref('int_exact__ledger_lines') }} as lines
    inner join {{ ref('int_exact__chart_of_accounts') }} as accounts
        on lines.division_id = accounts.division_id and lines.gl_account_id = accounts.gl_account_id
)

select
    lines.division_id,
    divisions.division_name,
    divisions.currency as division_currency,
    lines.financial_year,
    lines.financial_period,
    lines.period_number,
    lines.section,
    {{ exact_online.total('case when lines.amount_dc < 0 then -lines.amount_dc else 0 end') }} as received_dc,
    {{ exact_online.total('case when lines.amount_dc > 0 then lines.amount_dc else 0 end') }} as paid_dc,
    {{ exact_online.total('-lines.amount_dc') }} as net_dc
from lines
left join {{ ref('int_exact__divisions') }} as divisions on lines.division_id = divisions.division_id
where lines.moves_cash = 1 and lines.section <> 'cash_and_bank'
group by 1, 2, 3, 4, 5, 6, 7
