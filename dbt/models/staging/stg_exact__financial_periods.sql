-- Made from the catalogue by `make dbt`: not to be edited by hand.
{{ exact_online.staged('financial_periods', [
    ('ID', 'id', 'text'),
    ('Created', 'created', 'moment'),
    ('Creator', 'creator_id', 'text'),
    ('CreatorFullName', 'creator_full_name', 'text'),
    ('Division', 'division_id', 'integer'),
    ('EndDate', 'end_date', 'date'),
    ('FinPeriod', 'fin_period', 'integer'),
    ('FinYear', 'fin_year', 'integer'),
    ('Modified', 'modified', 'moment'),
    ('Modifier', 'modifier_id', 'text'),
    ('ModifierFullName', 'modifier_full_name', 'text'),
    ('StartDate', 'start_date', 'date')
]) }}
