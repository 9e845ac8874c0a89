-- Made from the catalogue by `make dbt`: not to be edited by hand.
{{ exact_online.staged('currencies', [
    ('Code', 'code', 'text'),
    ('AmountPrecision', 'amount_precision', 'number'),
    ('Created', 'created', 'moment'),
    ('Description', 'description', 'text'),
    ('Modified', 'modified', 'moment'),
    ('PricePrecision', 'price_precision', 'number'),
    ('Division', 'division_id', 'integer')
]) }}
