select
    lines.division_id,
    divisions.division_name,
    lines.transaction_line_id,
    lines.entry_id,
    lines.entry_number,
    lines.line_number,
    lines.transaction_date,
    lines.financial_year,
    lines.financial_period,
    lines.period_number,
    lines.transaction_type,
    lines.transaction_type_name,
    lines.status,
    lines.journal_code,
    journals.description as journal_name,
    lines.gl_account_id,
    accounts.gl_account_code,
    accounts.gl_account_name,
    accounts.balance_type,
    accounts.section,
    accounts.classification_code,
    lines.account_id,
    relations.code as account_code,
    relations.name as account_name,
    lines.item_id,
    items.code as item_code,
    lines.quantity,
    lines.cost_center,
    lines.cost_unit,
    lines.project_id,
    lines.vat_code,
    lines.vat_type,
    lines.document_id,
    lines.invoice_number,
    lines.your_ref,
    lines.description,
    lines.due_date,
    lines.currency,
    lines.exchange_rate,
    divisions.currency as division_currency,
    lines.debit_dc,
    lines.credit_dc,
    lines.amount_dc,
    lines.amount_fc,
    lines.offset_id
from {{ ref('int_exact__ledger_lines') }} as lines
left join {{ ref('int_exact__divisions') }} as divisions on lines.division_id = divisions.division_id
left join {{ ref('int_exact__chart_of_accounts') }} as accounts
    on lines.division_id = accounts.division_id and lines.gl_account_id = accounts.gl_account_id
left join {{ ref('stg_exact__journals') }} as journals
    on lines.division_id = journals.division_id and lines.journal_code = journals.code
left join {{ ref('stg_exact__accounts') }} as relations
    on lines.division_id = relations.division_id and lines.account_id = relations.id
left join {{ ref('stg_exact__items') }} as items
    on lines.division_id = items.division_id and lines.item_id = items.id
