-- Cost centres, cost units and projects.
{{ config(materialized='view') }}
{%- for model, kind in [('costcenters', 'cost_center'), ('costunits', 'cost_unit'), ('projects', 'project')] %}
select
    division_id,
    id,
    '{{ kind }}' as type,
    code,
    description as name,
    end_date is null or end_date >= {{ exact_online.as_of() }} as active
from {{ ref('stg_exact__' ~ model) }}
{{ "union all" if not loop.last }}
{%- endfor %}
