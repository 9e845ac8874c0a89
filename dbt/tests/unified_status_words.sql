{%- set words = {
    'customers': ['active', 'inactive', 'archived'],
    'suppliers': ['active', 'inactive', 'archived'],
    'invoices': ['draft', 'submitted', 'authorised', 'partially_paid', 'paid'],
    'credit_notes': ['draft', 'authorised', 'partially_paid', 'paid'],
    'bills': ['void', 'authorised', 'posted', 'partially_paid', 'paid'],
    'payments': ['authorised', 'paid'],
    'bill_payments': ['authorised', 'paid'],
    'journal_entries': ['rejected', 'approved', 'posted'],
} %}
{%- for resource, known in words.items() %}
select '{{ resource }}' as resource, company_id, id, status
from {{ ref('unified_exact__' ~ resource) }}
where status is null or status not in ('{{ known | join("', '") }}')
{{ "union all" if not loop.last }}
{%- endfor %}
