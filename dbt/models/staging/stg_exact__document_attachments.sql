-- Made from the catalogue by `make dbt`: not to be edited by hand.
{{ exact_online.staged('document_attachments', [
    ('Timestamp', 'row_version', 'integer'),
    ('Attachment', 'attachment', 'text'),
    ('Document', 'document_id', 'text'),
    ('FileName', 'file_name', 'text'),
    ('FileSize', 'file_size', 'number'),
    ('ID', 'id', 'text'),
    ('Url', 'url', 'text'),
    ('Division', 'division_id', 'integer')
]) }}
