"""What tells the rows of a stream apart."""

from __future__ import annotations

import pytest

from exactonline_client import catalogue
from tap_exactonline.definitions.definition import DIVISION, plans
from tap_exactonline.streams.posting_results import PostingResults

OF_THE_USER = {
    "accountant_info",
    "all_divisions",
    "get_most_recently_used_divisions",
    "hrm_divisions",
    "me",
    "system_divisions",
}
"""The same rows whichever division is asked: a division in their key would tell them twice."""
BOTH_WAYS = pytest.mark.parametrize("use_sync", [True, False])


@BOTH_WAYS
def test_the_division_is_in_every_key_but_those_of_the_user(*, use_sync: bool) -> None:
    found = plans(catalogue.load(), use_sync=use_sync)
    lacking = {plan.name for plan in found if DIVISION.name not in plan.primary_keys}
    assert lacking == {plan.name for plan in found if plan.stream.per_user} == OF_THE_USER
    for plan in found:
        assert plan.primary_keys, plan.name
        assert {*plan.primary_keys} <= plan.columns.keys(), plan.name


@BOTH_WAYS
def test_lists_of_the_user_have_no_bookmark_and_no_deletes_in_the_log(*, use_sync: bool) -> None:
    """So neither state nor tombstones ask in which division they were read."""
    for plan in plans(catalogue.load(), use_sync=use_sync):
        if plan.stream.per_user:
            assert (plan.bookmark, plan.stream.deleted_type) == (None, None), plan.name


def test_the_division_is_in_the_key_of_the_journal() -> None:
    assert DIVISION.name in PostingResults.primary_keys
