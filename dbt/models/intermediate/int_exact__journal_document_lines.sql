-- Lines of general journal entries.
{{ config(materialized='view') }}
select
    lines.*,
    coalesce(accounts.gl_account_code, lines.gl_account_code) as ledger_account_code,
    coalesce(accounts.gl_account_name, lines.gl_account_description) as ledger_account_name,
    coalesce(relations.name, lines.account_name) as relation_display_name,
    case when lines.amount_fc < 0 then 'credit' else 'debit' end as type
from {{ ref('stg_exact__general_journal_entry_lines') }} as lines
left join {{ ref('int_exact__chart_of_accounts') }} as accounts
    on lines.division_id = accounts.division_id and lines.gl_account_id = accounts.gl_account_id
left join {{ ref('stg_exact__accounts') }} as relations
    on lines.division_id = relations.division_id and lines.account_id = relations.id
