-- Ledger accounts, with where they stand in the statements.
with accounts as (
    select
        accounts.*,
        coalesce(accounts.balance_type, 'B') as side_of_books,
        coalesce(accounts.balance_side, 'D') as normal_side
    from {{ ref('stg_exact__gl_accounts') }} as accounts
),

placed as (
    select
        accounts.division_id,
        accounts.id as gl_account_id,
        accounts.code as gl_account_code,
        accounts.description as gl_account_name,
        accounts.type as gl_account_type,
        types.type_name as gl_account_type_name,
        accounts.side_of_books as balance_type,
        accounts.normal_side,
        accounts.vat_code,
        accounts.vat_gl_account_type as vat_box,
        accounts.is_blocked,
        accounts.row_version,
        accounts.created,
        accounts.modified,
        types.ledger_account_type,
        types.classification,
        -- What an account is on decides, should its type say otherwise.
        coalesce(
            types.section,
            case
                when accounts.side_of_books = 'W' and accounts.normal_side = 'C' then 'other_income'
                when accounts.side_of_books = 'W' then 'expenses'
                when accounts.normal_side = 'C' then 'current_liabilities'
                else 'other_current_assets'
            end
        ) as section
    from accounts
    left join {{ ref('exact__gl_account_types') }} as types
        on accounts.type = types.type
        and accounts.side_of_books = types.balance_type
        and accounts.normal_side = types.balance_side
)

select
    placed.*,
    sections.statement,
    sections.heading,
    sections.position as section_position,
    classified.scheme_code,
    classified.classification_code,
    classified.classification_description,
    classified.classification_level_2,
    classified.classification_level_3,
    classified.classification_level_4
from placed
inner join {{ ref('exact__sections') }} as sections on placed.section = sections.section
left join {{ ref('int_exact__classifications') }} as classified
    on placed.division_id = classified.division_id
    and placed.gl_account_id = classified.gl_account_id
