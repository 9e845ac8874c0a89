-- Made from exactonline_client/unified.csv by `make dbt`: not to be edited by hand.
with lines as (
    select
        lines.company_id,
        lines.bill_id,
        {{ exact_online.json_array(exact_online.json_object([('id', 'lines.id'), ('company_id', 'lines.company_id'), ('line_number', 'lines.line_number'), ('description', 'lines.description'), ('quantity', 'lines.quantity'), ('unit_price', 'lines.unit_price'), ('total_amount', 'lines.total_amount'), ('tax_amount', 'lines.tax_amount'), ('tax_rate', exact_online.json_object([('code', 'lines.tax_rate_code'), ('rate', 'lines.tax_rate_rate')])), ('ledger_account', exact_online.json_object([('id', 'lines.ledger_account_id'), ('code', 'lines.ledger_account_code'), ('name', 'lines.ledger_account_name')])), ('cost_center', 'lines.cost_center'), ('cost_unit', 'lines.cost_unit'), ('project', exact_online.json_object([('id', 'lines.project_id')])), ('memo', 'lines.memo')]), 'line_number, id') }} as line_items
    from {{ ref('unified_exact__bill_line_items') }} as lines
    group by 1, 2
)

select
    base.entry_id as id,
    base.entry_id as downstream_id,
    base.division_id as company_id,
    base.entry_number as display_id,
    base.your_ref as bill_number,
    base.document_type as type,
    base.supplier_id as supplier_id,
    base.supplier_display_id as supplier_display_id,
    base.supplier_display_name as supplier_display_name,
    base.entry_date as bill_date,
    base.due_date as due_date,
    base.paid_date as paid_date,
    base.order_number as po_number,
    base.payment_reference as reference,
    base.payment_condition as terms_id,
    base.payment_condition_description as terms,
    base.currency as currency,
    base.rate as currency_rate,
    base.sub_total as sub_total,
    base.total_tax as total_tax,
    base.total as total,
    base.balance as balance,
    base.description as notes,
    base.status_word as status,
    base.accounting_period as accounting_period,
    base.journal as journal,
    base.created as created_at,
    base.modified as updated_at,
    base.creator_id as created_by,
    base.modifier_id as updated_by,
    lines.line_items
from {{ ref('int_exact__bills') }} as base
left join lines
    on base.division_id = lines.company_id
    and base.entry_id = lines.bill_id
