-- Made from the catalogue by `make dbt`: not to be edited by hand.
{{ exact_online.staged('gl_account_classification_mappings', [
    ('ID', 'id', 'text'),
    ('Classification', 'classification_id', 'text'),
    ('ClassificationCode', 'classification_code', 'text'),
    ('ClassificationDescription', 'classification_description', 'text'),
    ('Division', 'division_id', 'integer'),
    ('GLAccount', 'gl_account_id', 'text'),
    ('GLAccountCode', 'gl_account_code', 'text'),
    ('GLAccountDescription', 'gl_account_description', 'text'),
    ('GLSchemeCode', 'gl_scheme_code', 'text'),
    ('GLSchemeDescription', 'gl_scheme_description', 'text'),
    ('GLSchemeID', 'gl_scheme_id', 'text')
]) }}
