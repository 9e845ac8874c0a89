-- VAT codes with their percentages over time.
{{ config(materialized='view') }}
with percentages as (
    select
        division_id,
        vat_code_id,
        {{ exact_online.json_array(exact_online.json_object([
            ('id', 'id'), ('rate', 'percentage * 100'),
            ('start_date', 'cast(start_date as ' ~ dbt.type_string() ~ ')'),
            ('end_date', 'cast(end_date as ' ~ dbt.type_string() ~ ')'),
        ]), 'start_date, id') }} as components
    from {{ ref('stg_exact__vat_percentages') }}
    group by 1, 2
)

select
    codes.*,
    percentages.components
from {{ ref('stg_exact__vat_codes') }} as codes
left join percentages
    on codes.division_id = percentages.division_id and codes.id = percentages.vat_code_id
