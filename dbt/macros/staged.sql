{#- The live rows of a stream, in plain types under plain names.

    columns: (column at Exact, name, kind), as the catalogue has them. The table may have the column
        under that name or in snake case, see the tap's setting column_names.
    needed: stop where the table is not there; else the model has no rows.
    report: take the rows of the newest load alone, as a report has no log of what is gone.
-#}
{% macro staged(stream, columns, needed=false, report=false) %}
{%- set table = source('exact', stream) -%}
{%- set inspected = execute and flags.INTROSPECT -%}
{%- set relation = load_relation(table) if inspected else table -%}
{%- set present = {} -%}
{%- set divisions = var('exact__divisions', []) -%}
{%- if inspected and relation -%}
  {%- for column in adapter.get_columns_in_relation(relation) -%}
    {%- do present.update({exact_online.bare_name(column.name): column.name}) -%}
  {%- endfor -%}
{%- elif inspected and needed -%}
  {{ exceptions.raise_compiler_error(
      "There is no table " ~ table ~ ". Load the stream " ~ stream ~ " with tap-exactonline, or set the "
      ~ "variable exact_schema to where it is."
  ) }}
{%- elif inspected -%}
  {%- do log("The stream " ~ stream ~ " is not in " ~ table.schema ~ ": what is built on it has no rows.", info=true) -%}
{%- endif -%}
{%- set division = exact_online.loaded_column('Division' if 'division' in present or not inspected else 'Code', present) -%}
{%- set newest_only = report and exact_online.bare_name('_sdc_sync_started_at') in present -%}
select
{%- for column, name, kind in columns %}
    {% if inspected and exact_online.bare_name(column) not in present -%}
    cast(null as {{ exact_online.type_of(kind) }}) as {{ name }}
    {%- else -%}
    cast({{ exact_online.loaded_column(column, present) }} as {{ exact_online.type_of(kind) }}) as {{ name }}
    {%- endif %}{{ "," if not loop.last }}
{%- endfor %}
{% if inspected and not relation -%}
from (select 1 as nothing) as absent
where 1 = 0
{%- else -%}
{%- if newest_only %}
from (
    select
        *,
        max(_sdc_sync_started_at) over (partition by {{ division }}) as newest_load
    from {{ table }}
) as loaded
where _sdc_sync_started_at = newest_load
{%- else %}
from {{ table }} as loaded
where 1 = 1
{%- endif %}
{%- if exact_online.bare_name('_sdc_deleted_at') in present or not inspected %}
    and _sdc_deleted_at is null
{%- endif %}
{%- if divisions %}
    and {{ division }} in ({{ divisions | join(', ') }})
{%- endif %}
{%- endif %}
{% endmacro %}
