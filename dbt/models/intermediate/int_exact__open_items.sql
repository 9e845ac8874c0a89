-- What customers owe and what is owed to suppliers: terms of payment, positive for what is owed. A term
-- is open from the period of its entry to the period that it was paid in.
with signed as (
    select
        terms.*,
        -- The sign of what is owed to suppliers is not documented: that of most purchases decides.
        case
            when line_type = 22 and sum(case when transaction_type = 30 then amount_dc else 0 end)
                over (partition by division_id, line_type) < 0
            then -1
            else 1
        end as sign
    from {{ ref('stg_exact__payment_terms') }} as terms
    where line_type in (20, 22)
)

select
    division_id,
    id as term_id,
    case when line_type = 20 then 'receivable' else 'payable' end as side,
    account_id,
    gl_account_id,
    transaction_id as transaction_line_id,
    transaction_entry_id as entry_id,
    transaction_type,
    invoice_number,
    your_ref,
    description,
    payment_condition,
    payment_method,
    currency,
    entry_date,
    invoice_date,
    due_date,
    transaction_reporting_year as opened_year,
    transaction_reporting_period as opened_period,
    {{ exact_online.period_number('transaction_reporting_year', 'transaction_reporting_period') }}
        as opened_in,
    end_year as closed_year,
    end_period as closed_period,
    {{ exact_online.period_number('end_year', 'end_period') }} as closed_in,
    last_payment_date,
    is_fully_paid,
    sign * amount_dc as amount_dc,
    sign * amount_fc as amount_fc
from signed
