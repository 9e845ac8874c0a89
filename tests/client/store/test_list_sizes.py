"""What is known of the sizes of lists, by app."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exactonline_client.store import list_sizes
from exactonline_client.store.list_sizes import Size

if TYPE_CHECKING:
    from exactonline_client.store.store import Store

SIZE = Size(1, "accounts", "all", 2_000, 3, 100.0, 100.0, expected=4)


def test_a_size_takes_the_place_of_the_one_before(store: Store) -> None:
    list_sizes.note(store, "app", [SIZE])
    newer = Size(1, "accounts", "all", 2_100, 4, 200.0, 200.0)
    list_sizes.note(store, "app", [newer])
    assert list_sizes.known(store, "app") == {(1, "accounts", "all"): newer}


def test_a_count_leaves_what_the_last_run_took(store: Store) -> None:
    list_sizes.note(store, "app", [SIZE])
    list_sizes.note(store, "app", [Size(1, "accounts", "all", 2_100, None, 200.0)])
    (found,) = list_sizes.known(store, "app").values()
    assert (found.rows, found.calls, found.read_at, found.expected) == (2_100, 3, 100.0, 4)
    assert found.is_counted
    assert not SIZE.is_counted


def test_sizes_are_apart_by_app_division_stream_and_scope(store: Store) -> None:
    sizes = [
        SIZE,
        Size(2, "accounts", "all", 1, 1, 1.0),
        Size(1, "items", "all", 2, 1, 1.0),
        Size(1, "accounts", "changes", 3, 1, 1.0),
    ]
    list_sizes.note(store, "app", sizes)
    list_sizes.note(store, "another", [Size(1, "accounts", "all", 9, 9, 9.0)])
    assert {*list_sizes.known(store, "app").values()} == {*sizes}
