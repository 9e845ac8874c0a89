-- Items, with what they are used for.
{{ config(materialized='view') }}
select
    items.*,
    coalesce(nullif(items.extra_description, ''), items.description) as long_description,
    items.is_sales_item as sold,
    items.is_purchase_item as purchased,
    items.is_stock_item as tracked,
    items.is_taxable_item = 1 as taxable,
    case
        when items.is_stock_item then 'inventory'
        when items.is_time = 1 then 'service'
        else 'non_inventory'
    end as type,
    items.end_date is null or items.end_date >= {{ exact_online.as_of() }} as active
from {{ ref('stg_exact__items') }} as items
