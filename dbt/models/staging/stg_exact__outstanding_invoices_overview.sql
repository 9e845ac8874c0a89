-- Made from the catalogue by `make dbt`: not to be edited by hand.
{{ exact_online.staged('outstanding_invoices_overview', [
    ('CurrencyCode', 'currency_code', 'text'),
    ('OutstandingPayableInvoiceAmount', 'outstanding_payable_invoice_amount', 'number'),
    ('OutstandingPayableInvoiceCount', 'outstanding_payable_invoice_count', 'number'),
    ('OutstandingReceivableInvoiceAmount', 'outstanding_receivable_invoice_amount', 'number'),
    ('OutstandingReceivableInvoiceCount', 'outstanding_receivable_invoice_count', 'number'),
    ('OverduePayableInvoiceAmount', 'overdue_payable_invoice_amount', 'number'),
    ('OverduePayableInvoiceCount', 'overdue_payable_invoice_count', 'number'),
    ('OverdueReceivableInvoiceAmount', 'overdue_receivable_invoice_amount', 'number'),
    ('OverdueReceivableInvoiceCount', 'overdue_receivable_invoice_count', 'number'),
    ('Division', 'division_id', 'integer')
], report=true) }}
