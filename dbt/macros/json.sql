{#- An object of JSON, from pairs of a name and an expression. -#}
{% macro json_object(pairs) -%}
{{ return(adapter.dispatch('json_object', 'exact_online')(pairs)) }}
{%- endmacro %}

{% macro default__json_object(pairs) -%}
json_object({% for name, value in pairs %}'{{ name }}', {{ value }}{{ ", " if not loop.last }}{% endfor %})
{%- endmacro %}

{% macro postgres__json_object(pairs) -%}
jsonb_build_object({% for name, value in pairs %}'{{ name }}', {{ value }}{{ ", " if not loop.last }}{% endfor %})
{%- endmacro %}

{% macro snowflake__json_object(pairs) -%}
object_construct_keep_null({% for name, value in pairs %}'{{ name }}', {{ value }}{{ ", " if not loop.last }}{% endfor %})
{%- endmacro %}


{#- The objects of a group as an array of JSON, in an order. -#}
{% macro json_array(object, order) -%}
{{ return(adapter.dispatch('json_array', 'exact_online')(object, order)) }}
{%- endmacro %}

{% macro default__json_array(object, order) -%} to_json(list({{ object }} order by {{ order }})) {%- endmacro %}

{% macro postgres__json_array(object, order) -%} jsonb_agg({{ object }} order by {{ order }}) {%- endmacro %}

{% macro snowflake__json_array(object, order) -%}
array_agg({{ object }}) within group (order by {{ order }})
{%- endmacro %}

{% macro bigquery__json_array(object, order) -%} to_json(array_agg({{ object }} order by {{ order }})) {%- endmacro %}


{#- An array of one value, or of none where it is empty. -#}
{% macro json_values(value) -%}
{{ return(adapter.dispatch('json_values', 'exact_online')(value)) }}
{%- endmacro %}

{% macro default__json_values(value) -%}
case when {{ value }} is null or {{ value }} = '' then json_array() else json_array({{ value }}) end
{%- endmacro %}

{% macro postgres__json_values(value) -%}
case when {{ value }} is null or {{ value }} = '' then jsonb_build_array() else jsonb_build_array({{ value }}) end
{%- endmacro %}

{% macro snowflake__json_values(value) -%}
case when {{ value }} is null or {{ value }} = '' then array_construct() else array_construct({{ value }}) end
{%- endmacro %}
