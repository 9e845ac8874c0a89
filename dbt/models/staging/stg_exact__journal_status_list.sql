-- Made from the catalogue by `make dbt`: not to be edited by hand.
{{ exact_online.staged('journal_status_list', [
    ('Journal', 'journal', 'text'),
    ('Period', 'period', 'integer'),
    ('Year', 'year', 'integer'),
    ('JournalDescription', 'journal_description', 'text'),
    ('JournalType', 'journal_type', 'integer'),
    ('JournalTypeDescription', 'journal_type_description', 'text'),
    ('Status', 'status', 'integer'),
    ('StatusDescription', 'status_description', 'text'),
    ('Division', 'division_id', 'integer')
], report=true) }}
