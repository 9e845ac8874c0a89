{#- The database's type for a kind of value: text, number, integer, flag, date or moment. -#}
{% macro type_of(kind) -%}
{%- set types = {
    'text': dbt.type_string(),
    'number': exact_online.type_exact_number(),
    'integer': dbt.type_bigint(),
    'flag': 'boolean',
    'date': 'date',
    'moment': dbt.type_timestamp(),
} -%}
{{ types[kind] }}
{%- endmacro %}


{#- A decimal type: amounts of money must not be floating. -#}
{% macro type_exact_number() -%}
{{ return(adapter.dispatch('type_exact_number', 'exact_online')()) }}
{%- endmacro %}

{% macro default__type_exact_number() -%} decimal(28, 10) {%- endmacro %}

{% macro postgres__type_exact_number() -%} numeric {%- endmacro %}

{% macro bigquery__type_exact_number() -%} numeric {%- endmacro %}


{#- A column as the loader made it: in the case that Exact has. -#}
{% macro exact_column(name) -%}
{{ return(adapter.dispatch('exact_column', 'exact_online')(name)) }}
{%- endmacro %}

{% macro default__exact_column(name) -%} {{ adapter.quote(name) }} {%- endmacro %}

{#- The loader for Snowflake folds names to upper case, also those that are words of SQL. -#}
{% macro snowflake__exact_column(name) -%} {{ adapter.quote(name | upper) }} {%- endmacro %}


{#- A name without what differs between Exact's names and those in snake case: case and underscores. -#}
{% macro bare_name(name) -%} {{ return(name | lower | replace('_', '')) }} {%- endmacro %}

{#- A column under the name that the table has, by its bare name; else under that of Exact. -#}
{% macro loaded_column(name, present) -%}
{{ return(exact_online.exact_column(present.get(exact_online.bare_name(name), name)) | trim) }}
{%- endmacro %}


{#- The day that ages count to. -#}
{% macro as_of() -%}
cast('{{ var("exact__as_of", none) or run_started_at.strftime("%Y-%m-%d") }}' as date)
{%- endmacro %}


{#- A number that grows by one from period to period, for comparisons: year 2026, period 3 is 202603. -#}
{% macro period_number(year, period) -%} ({{ year }} * 100 + {{ period }}) {%- endmacro %}


{#- A period in words, such as 2026-03. -#}
{% macro period_label(year, period) -%}
cast({{ year }} as {{ dbt.type_string() }}) || '-' || lpad(cast({{ period }} as {{ dbt.type_string() }}), 2, '0')
{%- endmacro %}


{#- Companies that a stream was loaded for: a proof is not asked of the others. -#}
{% macro loaded(model) -%} (select division_id from {{ ref(model) }}) {%- endmacro %}


{#- Days from one date to another. -#}
{% macro days_between(first, last) -%} {{ dbt.datediff(first, last, 'day') }} {%- endmacro %}


{#- A sum of amounts, in the decimal type and 0 where there are none. -#}
{% macro total(expression) -%}
cast(coalesce(sum({{ expression }}), 0) as {{ exact_online.type_exact_number() }})
{%- endmacro %}
