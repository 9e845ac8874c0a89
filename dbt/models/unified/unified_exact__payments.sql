-- Made from exactonline_client/unified.csv by `make dbt`: not to be edited by hand.
select
    base.id as id,
    base.id as downstream_id,
    base.division_id as company_id,
    base.entry_number as number,
    base.our_ref as reference,
    base.description as note,
    base.date as transaction_date,
    base.account_id as customer_id,
    base.relation_display_id as customer_display_id,
    base.relation_display_name as customer_display_name,
    base.money_account_id as account_id,
    base.amount_fc as total_amount,
    base.currency as currency,
    base.exchange_rate as currency_rate,
    base.type as type,
    base.status as status,
    base.reconciled as reconciled,
    base.created as created_at,
    base.modified as updated_at
from {{ ref('int_exact__money_lines') }} as base
where base.is_received
