-- Customers and suppliers, with addresses, bank accounts and their main contact.
{{ config(materialized='view') }}
with places as (
    select
        division_id,
        account_id,
        {{ exact_online.json_array(exact_online.json_object([
            ('id', 'id'), ('type', "case type when 1 then 'visit' when 2 then 'postal' when 3 then 'billing' when 4 then 'shipping' else 'other' end"),
            ('line1', 'address_line1'), ('line2', 'address_line2'), ('line3', 'address_line3'),
            ('postal_code', 'postcode'), ('city', 'city'), ('state', 'state'), ('country', 'country'),
        ]), 'type, id') }} as addresses
    from {{ ref('stg_exact__addresses') }}
    where account_id is not null
    group by 1, 2
),

banks as (
    select
        division_id,
        account_id,
        {{ exact_online.json_array(exact_online.json_object([
            ('id', 'id'), ('iban', 'iban'), ('bic', 'bic_code'), ('account_number', 'bank_account'),
            ('account_name', 'bank_account_holder_name'),
        ]), 'id') }} as bank_accounts
    from {{ ref('stg_exact__crm_bank_accounts') }}
    where account_id is not null
    group by 1, 2
)

select
    relations.division_id,
    relations.id,
    relations.status in ('C', 'P', 'S') or coalesce(relations.is_sales, false) as is_customer,
    coalesce(relations.is_supplier, false) as is_a_supplier,
    relations.code,
    relations.name,
    coalesce(nullif(relations.trade_name, ''), relations.name) as company_name,
    {{ exact_online.json_values('relations.email') }} as emails,
    {{ exact_online.json_values('relations.phone') }} as phone_numbers,
    {{ exact_online.json_values('relations.website') }} as websites,
    places.addresses,
    banks.bank_accounts,
    relations.main_contact_id,
    contacts.first_name as main_contact_first_name,
    contacts.last_name as main_contact_last_name,
    contacts.email as main_contact_email,
    relations.vat_number,
    relations.chamber_of_commerce,
    relations.sales_vat_code,
    relations.purchase_vat_code,
    relations.sales_currency,
    relations.purchase_currency,
    relations.glar_id,
    relations.glap_id,
    relations.gl_account_sales_id,
    relations.gl_account_purchase_id,
    relations.parent_id,
    relations.payment_condition_sales,
    relations.payment_condition_sales_description,
    relations.payment_condition_purchase,
    relations.payment_condition_purchase_description,
    relations.remarks,
    case
        when relations.blocked then 'inactive'
        when relations.end_date < {{ exact_online.as_of() }} then 'archived'
        else 'active'
    end as status,
    relations.created,
    relations.modified,
    relations.creator_id,
    relations.modifier_id,
    relations.row_version
from {{ ref('stg_exact__accounts') }} as relations
left join places on relations.division_id = places.division_id and relations.id = places.account_id
left join banks on relations.division_id = banks.division_id and relations.id = banks.account_id
left join {{ ref('stg_exact__contacts') }} as contacts
    on relations.division_id = contacts.division_id and relations.main_contact_id = contacts.id
