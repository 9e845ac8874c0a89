-- Made from the catalogue by `make dbt`: not to be edited by hand.
{{ exact_online.staged('vat_percentages', [
    ('ID', 'id', 'text'),
    ('Created', 'created', 'moment'),
    ('Creator', 'creator_id', 'text'),
    ('CreatorFullName', 'creator_full_name', 'text'),
    ('Division', 'division_id', 'integer'),
    ('EndDate', 'end_date', 'date'),
    ('LineNumber', 'line_number', 'integer'),
    ('Modified', 'modified', 'moment'),
    ('Modifier', 'modifier_id', 'text'),
    ('ModifierFullName', 'modifier_full_name', 'text'),
    ('Percentage', 'percentage', 'number'),
    ('StartDate', 'start_date', 'date'),
    ('Type', 'type', 'integer'),
    ('VATCodeID', 'vat_code_id', 'text')
]) }}
