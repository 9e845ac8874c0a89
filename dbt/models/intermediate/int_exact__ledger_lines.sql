-- Lines of the ledger. Budgets (3000) are none, and the entries that close a balance sheet at the end
-- of a year (327) and open it again (328) cancel each other: years are added up here anyway. A line without a
-- type stays, for the proofs to see.
select
    lines.division_id,
    lines.id as transaction_line_id,
    lines.entry_id,
    lines.entry_number,
    lines.line_number,
    lines.type as transaction_type,
    types.type_name as transaction_type_name,
    lines.status,
    lines.date as transaction_date,
    lines.financial_year,
    lines.financial_period,
    {{ exact_online.period_number('lines.financial_year', 'lines.financial_period') }} as period_number,
    lines.journal_code,
    lines.gl_account_id,
    lines.account_id,
    lines.item_id,
    lines.quantity,
    lines.cost_center,
    lines.cost_unit,
    lines.project_id,
    lines.vat_code,
    lines.vat_type,
    lines.vat_percentage,
    lines.amount_vat_base_fc,
    lines.amount_vat_fc,
    lines.offset_id,
    lines.document_id,
    lines.description,
    lines.your_ref,
    lines.invoice_number,
    lines.due_date,
    lines.currency,
    lines.exchange_rate,
    lines.amount_dc,
    lines.amount_fc,
    case when lines.amount_dc > 0 then lines.amount_dc else 0 end as debit_dc,
    case when lines.amount_dc < 0 then -lines.amount_dc else 0 end as credit_dc,
    coalesce(lines.type, 0) = 326 as is_result_to_balance_sheet,
    lines.row_version
from {{ ref('stg_exact__transaction_lines') }} as lines
left join {{ ref('exact__transaction_types') }} as types on lines.type = types.type
where coalesce(lines.type, 0) not in (327, 328, 3000)
{%- if not var('exact__include_open_entries', true) %}
    and lines.status = 50
{%- endif %}
