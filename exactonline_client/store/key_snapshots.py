"""Keys seen in a list, to detect or attribute the deletes of its rows.

A key is stored before its row is emitted, and marked as gone once a complete listing lacks it or
its deletion is logged. It is kept for two months then, as long as Exact Online keeps its log, so
that several warehouses get the delete, and one that failed to store it gets it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from exactonline_client.store.engine import in_parts, retry_on_lost_connection
from exactonline_client.store.tables import seen_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from exactonline_client.store.store import Store

TICK = 0.001
KEPT = 60 * 86_400
"""Seconds to keep a key that is gone."""
BATCH = 1000


class SeenKeys(msgspec.Struct, frozen=True):
    """The keys of one list; keys are texts, timestamps are seconds since the epoch."""

    store: Store
    app: str
    division: int
    """0 for a list that belongs to no division."""
    stream: str

    @property
    def _mine(self) -> sa.ColumnElement[bool]:
        return (
            (seen_keys.c.app == self.app)
            & (seen_keys.c.division == self.division)
            & (seen_keys.c.stream == self.stream)
        )

    def _long_gone(self, timestamp: float) -> sa.ColumnElement[bool]:
        """Keys that were gone for two months at a timestamp, and were not seen again."""
        gone_at = seen_keys.c.gone_at
        return self._mine & (gone_at < timestamp - KEPT) & (seen_keys.c.seen_at <= gone_at)

    @retry_on_lost_connection
    def next_timestamp(self, now: float) -> float:
        """Return the present time, or one after all stored timestamps if the clock was set back."""
        latest = sa.select(sa.func.max(seen_keys.c.seen_at), sa.func.max(seen_keys.c.gone_at))
        with self.store.transaction() as connection:
            noted = connection.execute(latest.where(self._mine)).one()
        timestamps: list[float] = [timestamp + TICK for timestamp in noted if timestamp is not None]
        return max([now, *timestamps])

    @retry_on_lost_connection
    def note(self, keys: Iterable[str], timestamp: float) -> None:
        """Store keys that were seen."""
        values = {"app": self.app, "division": self.division, "stream": self.stream}
        rows = [{**values, "key": key, "seen_at": timestamp} for key in dict.fromkeys(keys)]
        if not rows:
            return
        insert = self.store.insert(seen_keys)
        # Another process that started later may have stored the same keys.
        latest = sa.case(
            (insert.excluded.seen_at > seen_keys.c.seen_at, insert.excluded.seen_at),
            else_=seen_keys.c.seen_at,
        )
        noted = insert.on_conflict_do_update(
            index_elements=list(seen_keys.primary_key.columns), set_={"seen_at": latest}
        )
        with self.store.transaction() as connection:
            connection.execute(noted, rows)

    def known(self, keys: Sequence[str]) -> set[str]:
        """Return those of the keys that were seen."""
        known: set[str] = set()
        for some in in_parts(keys):
            query = sa.select(seen_keys.c.key).where(self._mine, seen_keys.c.key.in_(some))
            with self.store.transaction() as connection:
                known.update(connection.execute(query).scalars())
        return known

    @property
    @retry_on_lost_connection
    def any_left(self) -> bool:
        """Whether there is any key that is not gone."""
        query = sa.select(seen_keys.c.key).where(self._mine, seen_keys.c.gone_at.is_(None)).limit(1)
        with self.store.transaction() as connection:
            return connection.execute(query).first() is not None

    @retry_on_lost_connection
    def settle(self, timestamp: float) -> int:
        """Mark every key not seen since `timestamp` as gone, after a complete listing.

        Returns:
            The number of keys that were gone and are back.
        """
        seen = seen_keys.c.seen_at >= timestamp
        gone_at = seen_keys.c.gone_at
        changes = seen_keys.update().where(self._mine)
        with self.store.transaction() as connection:
            connection.execute(seen_keys.delete().where(self._long_gone(timestamp)))
            back = connection.execute(
                changes.where(seen, gone_at.is_not(None)).values(gone_at=None)
            ).rowcount
            connection.execute(changes.where(~seen, gone_at.is_(None)).values(gone_at=timestamp))
        return back

    @retry_on_lost_connection
    def mark_deleted(self, keys: Iterable[str], timestamp: float) -> None:
        """Mark keys as gone whose deletion is logged; remove those that have long been gone."""
        marked = seen_keys.update().where(self._mine, seen_keys.c.gone_at.is_(None))
        marked = marked.values(gone_at=timestamp)
        with self.store.transaction() as connection:
            for some in in_parts([*keys]):
                connection.execute(marked.where(seen_keys.c.key.in_(some)))
            connection.execute(seen_keys.delete().where(self._long_gone(timestamp)))

    def gone(self, since: float) -> Iterator[tuple[str, float]]:
        """Iterate over the keys that are gone after a timestamp, each with its time."""
        columns = sa.select(seen_keys.c.key, seen_keys.c.gone_at)
        query = columns.where(self._mine, seen_keys.c.gone_at > since).order_by(seen_keys.c.key)
        last = ""
        while True:
            # A transaction locks a SQLite store for other processes, so it is kept short.
            rows = self.store.read(query.where(seen_keys.c.key > last).limit(BATCH))
            yield from ((row.key, row.gone_at) for row in rows)
            if len(rows) < BATCH:
                return
            last = rows[-1].key
