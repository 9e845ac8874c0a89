-- Made from the catalogue by `make dbt`: not to be edited by hand.
{{ exact_online.staged('opening_balance_previous_year_processed', [
    ('Division', 'division_id', 'integer'),
    ('GLAccount', 'gl_account_id', 'text'),
    ('ReportingYear', 'reporting_year', 'integer'),
    ('Amount', 'amount', 'number'),
    ('BalanceSide', 'balance_side', 'text'),
    ('GLAccountCode', 'gl_account_code', 'text'),
    ('GLAccountDescription', 'gl_account_description', 'text')
], report=true) }}
