-- Figures of Exact's own reports, one a row: what they are of, and the amount.
{%- set nothing = "cast(null as " ~ dbt.type_bigint() ~ ")" %}
select
    'reporting_balance' as check_name,
    division_id,
    reporting_year as financial_year,
    reporting_period as financial_period,
    gl_account_id as subject,
    amount as amount_dc
from {{ ref('stg_exact__reporting_balance') }}
where coalesce(type, 0) not in (327, 328, 3000)

{%- for name in ['current_year_after_entry', 'current_year_processed', 'previous_year_after_entry', 'previous_year_processed'] %}

union all

select
    'opening_balance_{{ name }}',
    balances.division_id,
    balances.reporting_year,
    0,
    case when accounts.gl_account_type = 52 then 'retained_earnings' else balances.gl_account_id end,
    balances.amount
from {{ ref('stg_exact__opening_balance_' ~ name) }} as balances
left join {{ ref('int_exact__chart_of_accounts') }} as accounts
    on balances.division_id = accounts.division_id
    and balances.gl_account_id = accounts.gl_account_id
{%- endfor %}

{%- for side in ['receivable', 'payable'] %}
{%- for column, subject in [
    ('total_amount', 'total'), ('age_group1_amount', 'age_group_1'), ('age_group2_amount', 'age_group_2'),
    ('age_group3_amount', 'age_group_3'), ('age_group4_amount', 'age_group_4'),
] %}

union all

select
    'aging_{{ side }}s_list',
    division_id,
    {{ nothing }},
    {{ nothing }},
    account_id || '/{{ subject }}',
    {{ column }}
from {{ ref('stg_exact__aging_' ~ side ~ 's_list') }}
{%- endfor %}

union all

select
    'aging_overview',
    division_id,
    {{ nothing }},
    {{ nothing }},
    '{{ side }}/age_group_' || cast(age_group as {{ dbt.type_string() }}),
    amount_{{ side }}
from {{ ref('stg_exact__aging_overview') }}

{%- for state in ['outstanding', 'overdue'] %}

union all

select
    'outstanding_invoices_overview',
    division_id,
    {{ nothing }},
    {{ nothing }},
    '{{ side }}/{{ state }}',
    {{ state }}_{{ side }}_invoice_amount
from {{ ref('stg_exact__outstanding_invoices_overview') }}
{%- endfor %}
{%- endfor %}

{%- for what in ['revenue', 'costs', 'result'] %}
{%- for column, year, period in [
    ('current_year', 'current_year', '0'), ('current_period', 'current_year', 'current_period'),
    ('previous_year', 'previous_year', '0'),
    ('previous_year_period', 'previous_year', 'previous_year_period'),
] %}

union all

select
    'profit_loss_overview',
    division_id,
    {{ year }},
    {{ period }},
    '{{ what }}',
    {{ what }}_{{ column }}
from {{ ref('stg_exact__profit_loss_overview') }}
{%- endfor %}
{%- endfor %}

union all

select
    'revenue_list',
    division_id,
    year,
    period,
    'revenue',
    amount
from {{ ref('stg_exact__revenue_list') }}
