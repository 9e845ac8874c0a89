from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exactonline_client.http.pagination import Page
from exactonline_client.odata import decoding
from tap_exactonline.state import bookmarks
from tap_exactonline.state.bookmarks import (
    SETTLED,
    BookmarkTracker,
    advance,
    modified_filter,
    utc_text,
)

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
READ_AT = datetime(2026, 6, 25, 12, 0, tzinfo=timezone.utc)


def page(skiptoken: str | None, read_at: datetime | None = None) -> Page:
    address = skiptoken and f"/api/v1/1/sync/CRM/Accounts?$skiptoken={skiptoken}"
    return Page([], address, read_at)


def test_a_page_in_order_that_the_server_goes_on_behind_moves_the_bookmark() -> None:
    tracker, state = BookmarkTracker("Timestamp", AMSTERDAM), dict[str, Any]()
    tracker.add_page(page("7L"), [3, 5, 7])
    advance(state, tracker)
    assert state == {"replication_key": "Timestamp", "replication_key_value": 7}


@pytest.mark.parametrize(
    ("token", "values"),
    [("7L", [5, 3, 7]), ("9L", [3, 5, 7]), (None, [5, 3, 7]), ("garbage", [3, 5, 7])],
)
def test_a_page_without_that_proof_does_not(token: str | None, values: list[int]) -> None:
    tracker = BookmarkTracker("Timestamp", AMSTERDAM)
    tracker.add_page(page(token), values)
    assert tracker.proven is None
    tracker.finish()
    assert tracker.proven == 7


def test_the_last_page_of_a_list_in_order_needs_no_word_of_the_server() -> None:
    tracker = BookmarkTracker("Timestamp", AMSTERDAM)
    tracker.add_page(page("7L"), [3, 5, 7])
    tracker.add_page(page(None), [9, 12])
    assert tracker.proven == 12


def test_a_list_that_falls_out_of_order_moves_the_bookmark_no_further() -> None:
    tracker = BookmarkTracker("Timestamp", AMSTERDAM)
    tracker.add_page(page("7L"), [3, 5, 7])
    tracker.add_page(page("9L"), [6, 8, 9])
    tracker.add_page(page("12L"), [10, 12])
    assert tracker.proven == 7
    tracker.finish()
    assert tracker.proven == 12


def test_a_bookmark_never_moves_backwards() -> None:
    state = {"replication_key": "Timestamp", "replication_key_value": 90}
    tracker = BookmarkTracker("Timestamp", AMSTERDAM)
    tracker.add_page(page(None), [7])
    tracker.finish()
    advance(state, tracker)
    assert state["replication_key_value"] == 90


def test_the_bookmark_of_another_column_is_not_used() -> None:
    state = {"replication_key": "Timestamp", "replication_key_value": 90}
    assert bookmarks.value(state, "Modified") is None
    assert bookmarks.value(state, "Timestamp") == 90


def test_rows_stamped_just_before_the_run_are_read_again() -> None:
    early, late = "2026-06-25T08:00:00.000+00:00", "2026-06-25T11:59:58.003+00:00"
    tracker = BookmarkTracker("Modified", AMSTERDAM)
    tracker.add_page(page("datetime'2026-06-25T13:59:58.003',guid'x'", READ_AT), [early, late])
    assert tracker.proven == (READ_AT - SETTLED).isoformat(timespec="milliseconds")


def test_rows_that_share_a_moment_may_go_on_on_the_next_page() -> None:
    first, early = "2026-06-25T07:00:00.000+00:00", "2026-06-25T08:00:00.000+00:00"
    tracker = BookmarkTracker("Modified", AMSTERDAM)
    token = "datetime'2026-06-25T10:00:00',guid'x'"
    tracker.add_page(page(token, READ_AT), [early, early])
    assert tracker.proven is None
    tracker = BookmarkTracker("Modified", AMSTERDAM)
    tracker.add_page(page(token, READ_AT), [first, early])
    tracker.add_page(page(token, READ_AT), [early, early])
    assert tracker.proven == first
    tracker.add_page(page(None, READ_AT), [early])
    tracker.finish()
    assert tracker.proven == early


@given(st.lists(st.integers(1, 10**12), unique=True, min_size=1), st.integers(1, 7))
def test_whatever_the_order_the_bookmark_is_never_behind_a_row_still_to_come(
    values: list[int], size: int
) -> None:
    """A server that says it goes on behind its last row is believed only as far as rows agree."""
    tracker = BookmarkTracker("Timestamp", AMSTERDAM)
    ordered = sorted(values)
    chunks = [ordered[i : i + size] for i in range(0, len(ordered), size)]
    for number, chunk in enumerate(chunks):
        last = number == len(chunks) - 1
        tracker.add_page(page(None if last else f"{chunk[-1]}L"), chunk)
        still_to_come = [value for later in chunks[number + 1 :] for value in later]
        assert tracker.proven is None or all(value > tracker.proven for value in still_to_come)
    tracker.finish()
    assert tracker.proven == ordered[-1]


@given(
    st.integers(1_400_000_000, 2_100_000_000),
    st.timedeltas(timedelta(milliseconds=4), timedelta(days=3)),
)
def test_no_later_change_falls_through_the_filter(second: int, later: timedelta) -> None:
    """Not even across the hour that the clock is set back, when wall times repeat."""
    moment = datetime.fromtimestamp(second, timezone.utc)
    _, operator, literal = modified_filter(moment.isoformat(), AMSTERDAM).split(" ")
    asked = datetime.fromisoformat(literal.removeprefix("datetime'").removesuffix("'"))
    change = (moment + later).astimezone(AMSTERDAM).replace(tzinfo=None)
    assert change >= asked if operator == "ge" else change > asked


def test_the_repeated_hour_is_read_whole() -> None:
    first_pass = datetime(2026, 10, 25, 0, 40, tzinfo=timezone.utc).isoformat()
    assert modified_filter(first_pass, AMSTERDAM) == "Modified ge datetime'2026-10-25T02:00:00.000'"


def test_the_repeated_hour_is_left_behind_once_it_is_over() -> None:
    tracker = BookmarkTracker("Modified", AMSTERDAM)
    tracker.add_page(page(None, READ_AT), ["2025-10-26T00:30:00.000+00:00"])
    tracker.finish()
    assert tracker.proven == "2025-10-26T02:00:00.000+00:00"
    assert modified_filter(tracker.proven, AMSTERDAM).startswith("Modified gt ")
    during = BookmarkTracker("Modified", AMSTERDAM)
    at = datetime(2025, 10, 26, 0, 50, tzinfo=timezone.utc)
    during.add_page(page(None, at), ["2025-10-26T00:30:00.000+00:00"])
    during.finish()
    assert during.proven == "2025-10-26T00:30:00.000+00:00"


def test_without_a_bookmark_everything_is_asked_for() -> None:
    assert modified_filter(None, AMSTERDAM).startswith("Modified ge datetime'1970-01-01T")


def test_dates_of_the_configuration() -> None:
    assert utc_text("2025-01-01") == "2025-01-01T00:00:00.000+00:00"
    assert utc_text("2025-01-01T02:00:00+02:00") == "2025-01-01T00:00:00.000+00:00"
    assert utc_text("2025-01-01T00:00:00Z") == "2025-01-01T00:00:00.000+00:00"
    with pytest.raises(ValueError, match="soon"):
        utc_text("soon")


@given(
    st.integers(1_400_000_000, 2_100_000_000),
    st.timedeltas(timedelta(0), timedelta(days=3)),
)
def test_no_row_seems_older_than_a_moment_it_was_changed_after(
    second: int, later: timedelta
) -> None:
    moment = datetime.fromtimestamp(second, timezone.utc)
    wall = (moment + later).astimezone(AMSTERDAM).replace(tzinfo=None)
    seems = decoding.instant(round((wall - decoding.EPOCH) / timedelta(milliseconds=1)), AMSTERDAM)
    earliest = datetime.fromisoformat(bookmarks.earliest_stamp(moment.isoformat(), AMSTERDAM))
    assert seems >= earliest - timedelta(milliseconds=1)
    assert earliest >= moment - timedelta(hours=2)


def test_in_the_repeated_hour_rows_seem_older_than_they_are() -> None:
    second_pass = datetime(2026, 10, 25, 1, 40, tzinfo=timezone.utc).isoformat()
    assert bookmarks.earliest_stamp(second_pass, AMSTERDAM) == "2026-10-25T00:00:00.000+00:00"


def test_a_rowversion_stays_below_rows_that_were_changed_just_now() -> None:
    old, young = "2026-06-01T00:00:00.000+00:00", "2027-01-01T00:00:00.000+00:00"
    tracker, state = BookmarkTracker("Timestamp", AMSTERDAM), dict[str, Any]()
    tracker.add_page(page("7L", READ_AT), [3, 5, 7], [old, None, young])
    tracker.add_page(page(None, READ_AT), [8, 9], [old, young])
    tracker.finish()
    bookmarks.advance(state, tracker)
    assert bookmarks.value(state, "Timestamp") == 5


def test_a_list_that_was_written_just_now_is_read_again_from_its_beginning() -> None:
    tracker, state = BookmarkTracker("Timestamp", AMSTERDAM), dict[str, Any]()
    tracker.add_page(page(None, READ_AT), [3, 5], ["2027-01-01T00:00:00.000+00:00"] * 2)
    tracker.finish()
    bookmarks.advance(state, tracker)
    assert bookmarks.value(state, "Timestamp") == 0


def test_rows_in_another_order_than_moments_leave_nothing_behind() -> None:
    old, young = "2026-06-01T00:00:00.000+00:00", "2027-01-01T00:00:00.000+00:00"
    tracker = BookmarkTracker("Timestamp", AMSTERDAM)
    tracker.add_page(page("9L", READ_AT), [9, 7, 8], [old, old, young])
    tracker.add_page(page(None, READ_AT), [4, 6, 5], [young, old, old])
    tracker.finish()
    assert tracker.proven is not None
    assert tracker.proven < 4
