-- Made from the catalogue by `make dbt`: not to be edited by hand.
{{ exact_online.staged('costunits', [
    ('ID', 'id', 'text'),
    ('Code', 'code', 'text'),
    ('Created', 'created', 'moment'),
    ('Creator', 'creator_id', 'text'),
    ('CreatorFullName', 'creator_full_name', 'text'),
    ('CustomField', 'custom_field', 'text'),
    ('Description', 'description', 'text'),
    ('Division', 'division_id', 'integer'),
    ('EndDate', 'end_date', 'date'),
    ('Modified', 'modified', 'moment'),
    ('Modifier', 'modifier_id', 'text'),
    ('ModifierFullName', 'modifier_full_name', 'text')
]) }}
