"""Tables with indexes, and sync feeds.

A row is a dict without nulls. A table stores its rows by key; indexes on the key order and on
columns are built on first use and then kept up to date. A feed lists rows by `Timestamp`, the
row version counter of the division. Rows are never copied: tables, indexes and feeds share them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeAlias

from exactonline_sandbox.edm.guids import guid_order

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

Row: TypeAlias = dict[str, Any]
Key: TypeAlias = tuple[Any, ...]

_SMALL_FEED = 1000


class Table:
    """Rows by key."""

    def __init__(self, name: str, key: tuple[str, ...], guid_key: tuple[bool, ...]) -> None:
        """Make an empty table.

        Args:
            name: Id of its plain endpoint.
            key: Its key columns.
            guid_key: For each key column, whether it holds guids.
        """
        self.name = name
        self.key = key
        self._guid_key = guid_key
        self.rows: dict[Any, Row] = {}
        self._order: list[Any] | None = None
        self._sorted: list[Row] = []
        self._indexes: dict[str, dict[Any, dict[Any, Row]]] = {}
        self.derived: dict[Any, Any] = {}
        """What others derived from the rows, such as sort orders; emptied by every change."""

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.rows)

    def copy(self, copies: Mapping[int, Row]) -> Table:
        """The same table with copies of its rows, by their ids; its indexes are built anew."""
        made = Table(self.name, self.key, self._guid_key)
        made.rows = {key: copies[id(row)] for key, row in self.rows.items()}
        return made

    def key_of(self, row: Row) -> Any:  # noqa: ANN401 - a key is of any type
        """The key of a row; a tuple for several key columns."""
        if len(self.key) == 1:
            return row.get(self.key[0])
        return tuple(row.get(column) for column in self.key)

    def sort_key(self, row: Row) -> Any:  # noqa: ANN401 - what a key sorts by is of any type
        """The sort key of a row in key order."""
        if len(self.key) == 1:
            value = row[self.key[0]]
            return guid_order(value) if self._guid_key[0] else value
        return tuple(
            guid_order(row[column]) if is_guid else row[column]
            for column, is_guid in zip(self.key, self._guid_key, strict=True)
        )

    def sort_key_of(self, values: Key) -> Any:  # noqa: ANN401 - as above
        """The sort key of key values."""
        return self.sort_key(dict(zip(self.key, values, strict=True)))

    def get(self, key: object) -> Row | None:
        """The row with this key, or None."""
        return self.rows.get(key)

    def by_code(self, code: object) -> Row | None:
        """The row with this `Code`, or None."""
        found = self._index("Code").get(code)
        return next(iter(found.values())) if found else None

    def add(self, row: Row) -> None:
        """Add a row with a new key."""
        self.derived.clear()
        key = self.key_of(row)
        self.rows[key] = row
        if self._order is not None:
            sort_key = self.sort_key(row)
            at = bisect_left(self._order, sort_key)
            self._order.insert(at, sort_key)
            self._sorted.insert(at, row)
        for column, index in self._indexes.items():
            index.setdefault(row.get(column), {})[key] = row

    def change(self, row: Row, changes: Row) -> None:
        """Change columns of a row, but not its key; None for null."""
        self.derived.clear()
        key = self.key_of(row)
        for column, value in changes.items():
            if column in self._indexes:
                self._indexes[column][row.get(column)].pop(key)
                self._indexes[column].setdefault(value, {})[key] = row
            if value is None:
                row.pop(column, None)
            else:
                row[column] = value

    def edited(self) -> None:
        """Forget what is derived from the rows, after some were edited in place."""
        self.derived.clear()

    def remove(self, row: Row) -> None:
        """Remove a row."""
        self.derived.clear()
        key = self.key_of(row)
        del self.rows[key]
        if self._order is not None:
            at = bisect_left(self._order, self.sort_key(row))
            del self._order[at], self._sorted[at]
        for column, index in self._indexes.items():
            index[row.get(column)].pop(key)

    def ordered(self, after: object = None) -> Iterator[Row]:
        """The rows in key order.

        Args:
            after: Sort key, see `sort_key_of`; only rows after it.
        """
        if self._order is None:
            keyed = [(self.sort_key(row), row) for row in self.rows.values()]
            keyed.sort(key=itemgetter(0))
            self._order = [key for key, _ in keyed]
            self._sorted = [row for _, row in keyed]
        start = 0 if after is None else bisect_right(self._order, after)
        return (self._sorted[at] for at in range(start, len(self._sorted)))

    def where(self, column: str, value: object) -> list[Row]:
        """The rows with this value in a column, found by an index."""
        return list(self._index(column).get(value, {}).values())

    def _index(self, column: str) -> dict[Any, dict[Any, Row]]:
        index = self._indexes.get(column)
        if index is None:
            index = self._indexes[column] = {}
            for key, row in self.rows.items():
                index.setdefault(row.get(column), {})[key] = row
        return index


class Feed:
    """Rows in the order of their timestamps.

    A row with a new timestamp is appended again; its old entry is stale, as its timestamp differs
    from that of the row.
    """

    def __init__(self) -> None:
        """Make an empty feed."""
        self._stamps: list[int] = []
        self._rows: list[Row] = []
        self._stale = 0
        self._seen_from: dict[int, datetime] = {}

    def copy(self, copies: Mapping[int, Row]) -> Feed:
        """The same feed with copies of its rows, by their ids; without stale entries."""
        made = Feed()
        entries = zip(self._stamps, self._rows, strict=True)
        made._rows = [copies[id(row)] for stamp, row in entries if row.get("Timestamp") == stamp]
        made._stamps = [row["Timestamp"] for row in made._rows]
        made._seen_from = {**self._seen_from}
        return made

    def append(self, row: Row, seen_from: datetime | None = None) -> None:
        """Add a row with a timestamp higher than all before.

        Args:
            row: The row.
            seen_from: Time of the commit; at once where None.
        """
        if seen_from is not None:
            self._seen_from[row["Timestamp"]] = seen_from
        self._stamps.append(row["Timestamp"])
        self._rows.append(row)

    def forget(self) -> None:
        """Count a stale entry; remove stale entries from time to time."""
        self._stale += 1
        if self._stale > _SMALL_FEED and self._stale * 2 > len(self._rows):
            live = list(self.after(0))
            self._stamps = [row["Timestamp"] for row in live]
            self._rows = live
            self._stale = 0

    def after(self, timestamp: int, now: datetime | None = None) -> Iterator[Row]:
        """The rows with a higher timestamp, in order; with `now`, only those committed by then."""
        stamps, rows = self._stamps, self._rows
        for at in range(bisect_right(stamps, timestamp), len(stamps)):
            if rows[at].get("Timestamp") != stamps[at]:
                continue
            seen_from = self._seen_from.get(stamps[at])
            if seen_from is None or now is None or seen_from <= now:
                yield rows[at]

    def clear(self) -> None:
        """Remove all rows."""
        self._stamps, self._rows, self._stale, self._seen_from = [], [], 0, {}
