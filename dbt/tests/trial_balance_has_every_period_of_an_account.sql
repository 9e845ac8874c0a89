-- Also those without lines, or balances would have gaps.
select division_id
from (
    select division_id, gl_account_id, count(*) as periods
    from {{ ref('exact__trial_balance') }}
    group by 1, 2
) as accounts
group by 1
having min(periods) <> max(periods)
