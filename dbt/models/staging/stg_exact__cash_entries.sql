-- Made from the catalogue by `make dbt`: not to be edited by hand.
{{ exact_online.staged('cash_entries', [
    ('EntryID', 'entry_id', 'text'),
    ('ClosingBalanceFC', 'closing_balance_fc', 'number'),
    ('Created', 'created', 'moment'),
    ('Currency', 'currency', 'text'),
    ('CustomField', 'custom_field', 'text'),
    ('Division', 'division_id', 'integer'),
    ('EntryNumber', 'entry_number', 'integer'),
    ('FinancialPeriod', 'financial_period', 'integer'),
    ('FinancialYear', 'financial_year', 'integer'),
    ('JournalCode', 'journal_code', 'text'),
    ('JournalDescription', 'journal_description', 'text'),
    ('Modified', 'modified', 'moment'),
    ('OpeningBalanceFC', 'opening_balance_fc', 'number'),
    ('Status', 'status', 'integer'),
    ('StatusDescription', 'status_description', 'text')
]) }}
