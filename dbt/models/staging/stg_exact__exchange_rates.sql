-- Made from the catalogue by `make dbt`: not to be edited by hand.
{{ exact_online.staged('exchange_rates', [
    ('ID', 'id', 'text'),
    ('Created', 'created', 'moment'),
    ('Creator', 'creator_id', 'text'),
    ('CreatorFullName', 'creator_full_name', 'text'),
    ('Division', 'division_id', 'integer'),
    ('Modified', 'modified', 'moment'),
    ('Modifier', 'modifier_id', 'text'),
    ('ModifierFullName', 'modifier_full_name', 'text'),
    ('Rate', 'rate', 'number'),
    ('SourceCurrency', 'source_currency', 'text'),
    ('SourceCurrencyDescription', 'source_currency_description', 'text'),
    ('StartDate', 'start_date', 'date'),
    ('TargetCurrency', 'target_currency', 'text'),
    ('TargetCurrencyDescription', 'target_currency_description', 'text')
]) }}
