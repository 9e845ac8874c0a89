-- Made from exactonline_client/unified.csv by `make dbt`: not to be edited by hand.
select
    base.id as id,
    base.division_id as company_id,
    base.id as payment_id,
    base.type as type,
    base.document_id as document_id,
    base.document_number as document_number,
    base.offset_id as ledger_line_id,
    base.amount as amount,
    base.date as allocated_at
from {{ ref('int_exact__payment_matches') }} as base
