-- Made from the catalogue by `make dbt`: not to be edited by hand.
{{ exact_online.staged('bank_entries', [
    ('EntryID', 'entry_id', 'text'),
    ('BankStatementDocument', 'bank_statement_document_id', 'text'),
    ('BankStatementDocumentNumber', 'bank_statement_document_number', 'integer'),
    ('BankStatementDocumentSubject', 'bank_statement_document_subject', 'text'),
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
