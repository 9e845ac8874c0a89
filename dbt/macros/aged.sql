{#- What is open of each customer or supplier, by days after the due date. -#}
{% macro aged(side) -%}
select
    ageing.division_id,
    divisions.division_name,
    divisions.currency as division_currency,
    ageing.as_of_kind,
    ageing.as_of,
    ageing.as_of_date,
    ageing.financial_year,
    ageing.financial_period,
    ageing.period_number,
    ageing.account_id,
    relations.code as account_code,
    relations.name as account_name,
    {{ exact_online.total('case when days_overdue <= 0 then amount_dc else 0 end') }} as not_due_dc,
    {{ exact_online.total('case when days_overdue between 1 and 30 then amount_dc else 0 end') }}
        as overdue_1_to_30_dc,
    {{ exact_online.total('case when days_overdue between 31 and 60 then amount_dc else 0 end') }}
        as overdue_31_to_60_dc,
    {{ exact_online.total('case when days_overdue between 61 and 90 then amount_dc else 0 end') }}
        as overdue_61_to_90_dc,
    {{ exact_online.total('case when days_overdue > 90 then amount_dc else 0 end') }}
        as overdue_over_90_dc,
    {{ exact_online.total('amount_dc') }} as total_dc,
    count(*) as item_count
from {{ ref('int_exact__ageing') }} as ageing
left join {{ ref('int_exact__divisions') }} as divisions on ageing.division_id = divisions.division_id
left join {{ ref('stg_exact__accounts') }} as relations
    on ageing.division_id = relations.division_id and ageing.account_id = relations.id
where ageing.side = '{{ side }}'
group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
{%- endmacro %}
