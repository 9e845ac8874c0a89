{#- The classification of each ledger account in one scheme, and its parents: a code of RGS is a
    letter and groups of three letters, so its parents are its beginnings. -#}
{%- set scheme = var('exact__classification_scheme', none) -%}
with mapped as (
    select
        division_id,
        gl_account_id,
        classification_code,
        classification_description,
        gl_scheme_code,
        -- An account that is mapped twice in a scheme counts once.
        row_number() over (
            partition by division_id, gl_account_id
            order by gl_scheme_code, classification_code
        ) as choice
    from {{ ref('stg_exact__gl_account_classification_mappings') }}
    {%- if scheme %}
    where gl_scheme_code = '{{ scheme }}'
    {%- else %}
    where upper(gl_scheme_code) like 'RGS%'
    {%- endif %}
)

select
    division_id,
    gl_account_id,
    gl_scheme_code as scheme_code,
    classification_code,
    classification_description,
    substring(classification_code, 1, 4) as classification_level_2,
    substring(classification_code, 1, 7) as classification_level_3,
    substring(classification_code, 1, 10) as classification_level_4
from mapped
where choice = 1
