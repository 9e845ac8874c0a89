select division_id, account_key, item_key
from {{ ref('exact__revenue_by_customer_and_item') }}
where revenue_dc + cost_of_sales_dc <> margin_dc or credited_dc > 0
