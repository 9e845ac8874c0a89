-- Differences of exchange have an amount in the currency of the books alone.
select division_id, transaction_line_id
from {{ ref('exact__general_ledger') }}
where currency = division_currency and amount_dc <> amount_fc and transaction_type not in (80, 82)
