-- Made from the catalogue by `make dbt`: not to be edited by hand.
{{ exact_online.staged('general_journal_entries', [
    ('EntryID', 'entry_id', 'text'),
    ('Created', 'created', 'moment'),
    ('Currency', 'currency', 'text'),
    ('CustomField', 'custom_field', 'text'),
    ('Division', 'division_id', 'integer'),
    ('EntryNumber', 'entry_number', 'integer'),
    ('ExchangeRate', 'exchange_rate', 'number'),
    ('FinancialPeriod', 'financial_period', 'integer'),
    ('FinancialYear', 'financial_year', 'integer'),
    ('JournalCode', 'journal_code', 'text'),
    ('JournalDescription', 'journal_description', 'text'),
    ('Modified', 'modified', 'moment'),
    ('Reversal', 'reversal', 'flag'),
    ('Status', 'status', 'integer'),
    ('StatusDescription', 'status_description', 'text'),
    ('Type', 'type', 'integer'),
    ('TypeDescription', 'type_description', 'text')
]) }}
