{#- Have PostgreSQL count what a new table holds: else it guesses, and joins what is built on the table row by row. -#}
{% macro analyzed() -%}
{{ return(adapter.dispatch('analyzed', 'exact_online')()) }}
{%- endmacro %}

{% macro default__analyzed() -%}{%- endmacro %}

{% macro postgres__analyzed() -%}
{% if model.config.materialized == 'table' %}analyze {{ this }}{% endif %}
{%- endmacro %}
