-- Terms of customers are on accounts of receivables, those of suppliers on accounts of payables.
select items.division_id, items.term_id
from {{ ref('int_exact__open_items') }} as items
inner join {{ ref('int_exact__chart_of_accounts') }} as accounts
    on items.division_id = accounts.division_id and items.gl_account_id = accounts.gl_account_id
where accounts.gl_account_type <> case when items.side = 'receivable' then 20 else 22 end
