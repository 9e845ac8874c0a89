-- Made from exactonline_client/unified.csv by `make dbt`: not to be edited by hand.
with lines as (
    select
        lines.company_id,
        lines.credit_note_id,
        {{ exact_online.json_array(exact_online.json_object([('id', 'lines.id'), ('company_id', 'lines.company_id'), ('line_number', 'lines.line_number'), ('type', 'lines.type'), ('item', exact_online.json_object([('id', 'lines.item_id'), ('code', 'lines.item_code'), ('name', 'lines.item_name')])), ('code', 'lines.code'), ('description', 'lines.description'), ('quantity', 'lines.quantity'), ('unit_price', 'lines.unit_price'), ('discount_percentage', 'lines.discount_percentage'), ('unit_of_measure', 'lines.unit_of_measure'), ('total_amount', 'lines.total_amount'), ('tax_amount', 'lines.tax_amount'), ('tax_rate', exact_online.json_object([('code', 'lines.tax_rate_code'), ('rate', 'lines.tax_rate_rate')])), ('ledger_account', exact_online.json_object([('id', 'lines.ledger_account_id'), ('code', 'lines.ledger_account_code'), ('name', 'lines.ledger_account_name')])), ('cost_center', 'lines.cost_center'), ('cost_unit', 'lines.cost_unit'), ('project', exact_online.json_object([('id', 'lines.project_id')])), ('memo', 'lines.memo'), ('row_version', 'lines.row_version')]), 'line_number, id') }} as line_items
    from {{ ref('unified_exact__credit_note_line_items') }} as lines
    group by 1, 2
)

select
    base.invoice_id as id,
    base.invoice_id as downstream_id,
    base.division_id as company_id,
    base.invoice_number as number,
    case cast(base.type as {{ dbt.type_string() }}) when '8021' then 'accounts_receivable_credit' when '8024' then 'accounts_receivable_credit' end as type,
    base.invoice_to_id as customer_id,
    base.customer_display_id as customer_display_id,
    base.customer_display_name as customer_display_name,
    base.invoice_date as date_issued,
    base.date_paid as date_paid,
    base.payment_condition as terms_id,
    base.payment_condition_description as terms,
    base.your_ref as reference,
    base.status as status,
    base.currency as currency,
    base.currency_rate as currency_rate,
    base.tax_inclusive as tax_inclusive,
    -base.amount_fc_excl_vat as sub_total,
    -base.vat_amount_fc as total_tax,
    -base.amount_fc as total_amount,
    base.balance as balance,
    base.remaining_credit as remaining_credit,
    base.remarks as note,
    base.created as created_at,
    base.modified as updated_at,
    base.creator_id as created_by,
    base.modifier_id as updated_by,
    base.row_version as row_version,
    lines.line_items
from {{ ref('int_exact__sales_documents') }} as base
left join lines
    on base.division_id = lines.company_id
    and base.invoice_id = lines.credit_note_id
where base.is_credit_note
