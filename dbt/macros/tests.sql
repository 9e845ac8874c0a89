{#- These columns tell a row from every other: none is null, and no two rows share them. -#}
{% test is_key(model, columns) %}
select {{ columns | join(', ') }}, count(*) as row_count
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1{% for column in columns %} or {{ column }} is null{% endfor %}
{% endtest %}


{#- The sum of a column is zero within each group. -#}
{% test sums_to_zero(model, column, by) %}
select {{ by | join(', ') }}, sum({{ column }}) as amount
from {{ model }}
group by {{ by | join(', ') }}
having sum({{ column }}) <> 0
{% endtest %}


{#- A column names a row of another model, in the same division; in those that the other has rows of. -#}
{% test refers_within_division(model, column, to, field, division='division_id') %}
select referring.{{ division }}, referring.{{ column }}
from {{ model }} as referring
left join {{ to }} as referred
    on referring.{{ division }} = referred.{{ division }}
    and referring.{{ column }} = referred.{{ field }}
where referring.{{ column }} is not null and referred.{{ field }} is null
    and referring.{{ division }} in (select {{ division }} from {{ to }})
{% endtest %}
