-- Lines of purchase entries, with the sign of their entry.
{{ config(materialized='view') }}
select
    lines.*,
    entries.sign * lines.amount_fc as total_amount,
    entries.sign * lines.vat_amount_fc as tax_amount,
    case when lines.quantity <> 0 then entries.sign * lines.amount_fc / lines.quantity end as unit_price
from {{ ref('stg_exact__purchase_entry_lines') }} as lines
inner join {{ ref('int_exact__bills') }} as entries
    on lines.division_id = entries.division_id and lines.entry_id = entries.entry_id
