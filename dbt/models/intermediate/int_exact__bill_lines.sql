-- Lines of purchase entries, with the sign of their entry.
{{ config(materialized='view') }}
select
    lines.*,
    coalesce(accounts.gl_account_code, lines.gl_account_code) as ledger_account_code,
    coalesce(accounts.gl_account_name, lines.gl_account_description) as ledger_account_name,
    entries.sign * lines.amount_fc as total_amount,
    entries.sign * lines.vat_amount_fc as tax_amount,
    case when lines.quantity <> 0 then entries.sign * lines.amount_fc / lines.quantity end as unit_price
from {{ ref('stg_exact__purchase_entry_lines') }} as lines
inner join {{ ref('int_exact__bills') }} as entries
    on lines.division_id = entries.division_id and lines.entry_id = entries.entry_id
left join {{ ref('int_exact__chart_of_accounts') }} as accounts
    on lines.division_id = accounts.division_id and lines.gl_account_id = accounts.gl_account_id
