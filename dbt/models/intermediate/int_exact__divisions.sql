-- Companies: those that the list of divisions names, and those that only the ledger knows.
with named as (
    select
        code as division_id,
        description as division_name,
        currency,
        country,
        legislation,
        vat_number,
        chamber_of_commerce_number,
        status
    from {{ ref('stg_exact__divisions') }}
),

booked as (
    select distinct division_id from {{ ref('stg_exact__transaction_lines') }}
)

select
    coalesce(named.division_id, booked.division_id) as division_id,
    coalesce(named.division_name, cast(booked.division_id as {{ dbt.type_string() }})) as division_name,
    named.currency,
    trim(named.country) as country,
    named.legislation,
    named.vat_number,
    named.chamber_of_commerce_number,
    named.status
from named
full outer join booked on named.division_id = booked.division_id
