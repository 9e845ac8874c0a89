"""What reading remembers between runs, in stores of both kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exactonline_client.store import key_snapshots, unsupported
from exactonline_client.store.delete_watermarks import DeleteWatermarks
from exactonline_client.store.key_snapshots import SeenKeys
from exactonline_client.store.log_position import LogPosition
from exactonline_client.store.unsupported import RefusedOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from exactonline_client.store.store import Store
    from tests.client.conftest import Clock

DAY = 86_400.0


@pytest.fixture
def opened(store_url: str, open_store: Callable[[str], Any]) -> Iterator[Store]:
    with open_store(store_url) as found:
        yield found


def keys_of(store: Store, division: int = 1) -> SeenKeys:
    return SeenKeys(store, "app", division, "units")


def test_what_a_list_no_longer_holds_is_gone(opened: Store) -> None:
    keys, other = keys_of(opened), keys_of(opened, division=2)
    other.note(["a", "z"], 1.0)
    keys.note(["a", "b", "c", "a"], 10.0)
    assert keys.settle(10.0) == 0
    assert list(keys.gone(0)) == []
    keys.note(["c"], 20.0)
    assert keys.settle(20.0) == 0
    assert list(keys.gone(0)) == [("a", 20.0), ("b", 20.0)]
    assert list(keys.gone(20.0)) == []
    assert list(other.gone(0)) == []
    assert keys.any_left
    keys.note(["b"], 30.0)
    assert keys.settle(30.0) == 1
    assert dict(keys.gone(0)) == {"a": 20.0, "c": 30.0}


def test_a_key_whose_deletion_is_logged_is_removed_after_two_months(opened: Store) -> None:
    keys, other = keys_of(opened), keys_of(opened, division=2)
    for each in (keys, other):
        each.note(["a", "b", "c"], 10.0)
    keys.mark_deleted(["a", "z"], 20.0)
    assert list(keys.gone(0)) == [("a", 20.0)]
    keys.mark_deleted(["a"], 30.0)
    assert keys.known(["a", "b"]) == {"a", "b"}
    keys.mark_deleted(["b"], 21.0 + key_snapshots.KEPT)
    assert keys.known(["a", "b", "c"]) == {"b", "c"}
    assert other.known(["a"]) == {"a"}


def test_a_key_that_is_back_after_two_months_is_back(opened: Store) -> None:
    keys = keys_of(opened)
    keys.note(["a", "b"], 10.0)
    keys.note(["b"], 20.0)
    keys.settle(20.0)
    later = 30.0 + key_snapshots.KEPT
    keys.note(["a", "b"], later)
    assert keys.settle(later) == 1
    assert list(keys.gone(0)) == []


def test_a_key_that_was_seen_again_is_kept(opened: Store) -> None:
    keys = keys_of(opened)
    keys.note(["a"], 10.0)
    keys.mark_deleted(["a"], 20.0)
    keys.note(["a"], 30.0)
    keys.mark_deleted([], 40.0 + key_snapshots.KEPT)
    assert keys.known(["a"]) == {"a"}


def test_a_list_that_began_later_is_not_put_back_by_one_that_began_earlier(opened: Store) -> None:
    keys = keys_of(opened)
    keys.note(["a"], 20.0)
    keys.note(["a"], 10.0)
    keys.settle(20.0)
    assert list(keys.gone(0)) == []


def test_moments_only_grow_whatever_the_clock_does(opened: Store) -> None:
    keys = keys_of(opened)
    assert keys.next_timestamp(50.0) == 50.0
    keys.note(["a"], 50.0)
    later = keys.next_timestamp(40.0)
    assert later > 50.0
    keys.settle(later)
    assert keys.next_timestamp(40.0) > later


def test_what_is_gone_is_forgotten_after_two_months(opened: Store) -> None:
    keys = keys_of(opened)
    keys.note(["a"], DAY)
    keys.settle(2 * DAY)
    keys.settle(61 * DAY)
    assert dict(keys.gone(0)) == {"a": 2 * DAY}
    keys.settle(63 * DAY)
    assert dict(keys.gone(0)) == {}
    assert not keys.any_left


def test_many_are_told_in_pieces(opened: Store) -> None:
    keys = keys_of(opened)
    names = [f"{number:05}" for number in range(2 * key_snapshots.BATCH + 1)]
    keys.note(names, 1.0)
    keys.settle(2.0)
    told = keys.gone(0)
    # The store is free for others between two pieces.
    first = next(told)
    keys.note(["new"], 3.0)
    assert [first[0], *(key for key, _ in told)] == names


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(runs=st.lists(st.sets(st.sampled_from("abcdef")), min_size=1, max_size=6))
def test_a_warehouse_that_is_told_ends_up_with_the_last_list(
    store: Store, runs: list[set[str]]
) -> None:
    division = hash(tuple(map(frozenset, runs))) % 2**31
    keys = keys_of(store, division)
    warehouse: set[str] = set()
    told = 0.0
    for listed in runs:
        moment = keys.next_timestamp(1.0)
        keys.note(listed, moment)
        keys.settle(moment)
        warehouse |= listed
        warehouse -= {key for key, _ in keys.gone(told)}
        told = moment
        assert warehouse == listed


def test_how_far_deletes_were_told_is_remembered(opened: Store) -> None:
    told = DeleteWatermarks(opened, "app")
    assert told.places(1) == {}
    told.note(1, "contacts", LogPosition(2**41, "2026-06-01T00:00:00+00:00", "never"))
    told.note(1, "contacts", LogPosition(2**40))
    told.note(2, "contacts", LogPosition(5, "2026-06-01T00:00:00+00:00", "never"))
    for seen in (told, DeleteWatermarks(opened, "app")):
        assert seen.places(1) == {"contacts": LogPosition(2**40)}
        assert seen.places(2) == {"contacts": LogPosition(5, "2026-06-01T00:00:00+00:00", "never")}
    assert DeleteWatermarks(opened, "other").places(1) == {}


def test_refusals_are_known_by_endpoint_and_for_a_month(opened: Store, clock: Clock) -> None:
    refused = RefusedOptions(opened, "app", 1, clock)
    month = unsupported.DAYS_REMEMBERED * DAY
    refused.remember("vat/VATCodes", "$orderby")
    refused.remember("vat/VATCodes", "$expand")
    until = clock.now + month
    assert refused.until("vat/VATCodes") == {"$orderby": until, "$expand": until}
    assert refused.until("crm/Accounts") == {}
    for other in (RefusedOptions(opened, "other", 1), RefusedOptions(opened, "app", 2)):
        assert other.until("vat/VATCodes") == {}
    clock.sleep(month + 1)
    assert refused.until("vat/VATCodes") == {}
