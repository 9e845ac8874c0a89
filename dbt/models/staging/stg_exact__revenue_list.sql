-- Made from the catalogue by `make dbt`: not to be edited by hand.
{{ exact_online.staged('revenue_list', [
    ('Period', 'period', 'integer'),
    ('Year', 'year', 'integer'),
    ('Amount', 'amount', 'number'),
    ('Division', 'division_id', 'integer')
], report=true) }}
