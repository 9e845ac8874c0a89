"""The share of a job: stable, whole, and told apart from a slip of the pen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exactonline_client.errors import ConfigurationError
from tap_exactonline.divisions import sharding

DIVISIONS = st.sets(st.integers(1, 10_000_000), max_size=50)


@given(divisions=DIVISIONS, parts=st.integers(1, 9))
def test_every_division_is_in_one_share(divisions: set[int], parts: int) -> None:
    found = [
        division
        for part in range(1, parts + 1)
        for division in sharding.shard(divisions, f"{part}/{parts}")
    ]
    assert sorted(found) == sorted(divisions)


@given(divisions=DIVISIONS, others=DIVISIONS)
def test_a_division_keeps_its_share_when_others_come(divisions: set[int], others: set[int]) -> None:
    before = set(sharding.shard(divisions, "2/4"))
    after = set(sharding.shard(divisions | others, "2/4"))
    assert after & divisions == before


def test_without_a_share_all_are_read_in_their_order() -> None:
    assert sharding.shard([3, 1, 2], None) == [3, 1, 2]


@pytest.mark.parametrize("share", ["0/4", "5/4", "2", "1/0", "a/b", "-1/4", "1/4 "])
def test_what_is_no_share_is_told(share: str) -> None:
    with pytest.raises(ConfigurationError, match="divisions_share"):
        sharding.shard([1], share)
