-- Made from exactonline_client/unified.csv by `make dbt`: not to be edited by hand.
with lines as (
    select
        lines.company_id,
        lines.journal_entry_id,
        {{ exact_online.json_array(exact_online.json_object([('id', 'lines.id'), ('company_id', 'lines.company_id'), ('line_number', 'lines.line_number'), ('description', 'lines.description'), ('type', 'lines.type'), ('total_amount', 'lines.total_amount'), ('tax_amount', 'lines.tax_amount'), ('tax_rate', exact_online.json_object([('code', 'lines.tax_rate_code')])), ('ledger_account', exact_online.json_object([('id', 'lines.ledger_account_id'), ('code', 'lines.ledger_account_code'), ('name', 'lines.ledger_account_name')])), ('relation', exact_online.json_object([('id', 'lines.relation_id'), ('display_name', 'lines.relation_display_name')])), ('cost_center', 'lines.cost_center'), ('cost_unit', 'lines.cost_unit'), ('project', exact_online.json_object([('id', 'lines.project_id')]))]), 'line_number, id') }} as line_items
    from {{ ref('unified_exact__journal_entry_line_items') }} as lines
    group by 1, 2
)

select
    base.entry_id as id,
    base.entry_id as downstream_id,
    base.division_id as company_id,
    base.entry_number as display_id,
    base.entry_number as number,
    base.journal_code as journal_symbol,
    base.title as title,
    base.currency as currency,
    base.exchange_rate as currency_rate,
    base.accounting_period as accounting_period,
    base.posted_at as posted_at,
    case cast(base.status as {{ dbt.type_string() }}) when '5' then 'rejected' when '20' then 'approved' when '50' then 'posted' end as status,
    base.source_type as source_type,
    base.created as created_at,
    base.modified as updated_at,
    lines.line_items
from {{ ref('int_exact__journal_documents') }} as base
left join lines
    on base.division_id = lines.company_id
    and base.entry_id = lines.journal_entry_id
