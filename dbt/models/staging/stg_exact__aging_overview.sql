-- Made from the catalogue by `make dbt`: not to be edited by hand.
{{ exact_online.staged('aging_overview', [
    ('AgeGroup', 'age_group', 'integer'),
    ('AgeGroupDescription', 'age_group_description', 'text'),
    ('AmountPayable', 'amount_payable', 'number'),
    ('AmountReceivable', 'amount_receivable', 'number'),
    ('CurrencyCode', 'currency_code', 'text'),
    ('Division', 'division_id', 'integer')
], report=true) }}
