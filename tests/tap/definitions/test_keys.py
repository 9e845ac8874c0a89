"""What tells the rows of a stream apart."""

from __future__ import annotations

import pytest

from exactonline_client import catalogue
from tap_exactonline.definitions.definition import DIVISION, stream_definitions
from tap_exactonline.streams.posting_results import KEY

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
    found = stream_definitions(catalogue.load(), use_sync=use_sync)
    lacking = {
        definition.name for definition in found if DIVISION.name not in definition.primary_keys
    }
    assert (
        lacking
        == {definition.name for definition in found if definition.stream.per_user}
        == OF_THE_USER
    )
    for definition in found:
        assert definition.primary_keys, definition.name
        assert {*definition.primary_keys} <= definition.columns.keys(), definition.name


@BOTH_WAYS
def test_lists_of_the_user_have_no_bookmark_and_no_deletes_in_the_log(*, use_sync: bool) -> None:
    """So neither state nor tombstones ask in which division they were read."""
    for definition in stream_definitions(catalogue.load(), use_sync=use_sync):
        if definition.stream.per_user:
            assert (definition.bookmark, definition.stream.deleted_type) == (None, None), (
                definition.name
            )


def test_the_division_is_in_the_key_of_the_journal() -> None:
    assert DIVISION.name in KEY
