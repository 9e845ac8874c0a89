"""The data of one division: tables, row version counter, and deleted log."""

from __future__ import annotations

import random
from collections import Counter
from copy import copy
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from exactonline_sandbox.books.profile import Profile
from exactonline_sandbox.books.tables import Feed, Row, Table
from exactonline_sandbox.clock import tick
from exactonline_sandbox.edm.guids import new_guid
from exactonline_sandbox.edm.model import DELETED, schema

if TYPE_CHECKING:
    from datetime import date, datetime

    from exactonline_sandbox.config import Switches

FIRST_TIMESTAMP = 4_100_000_000
"""Above the range of an Int32, as in any older company: literals need their `L`."""
_TIMESTAMP_AFTER_MOVE = 1_000
_LOG_KEPT = timedelta(days=61)
_MODIFIED_DELAY = timedelta(milliseconds=20)
_EVENTS_KEPT = 10_000


@dataclass(frozen=True)
class Author:
    """User and time of a change."""

    user_id: str
    moment: datetime


class Company:
    """The data of one division."""

    def __init__(
        self, code: int, seed: int, switches: Switches, profile: Profile | None = None
    ) -> None:
        """Make an empty company.

        Args:
            code: The code of the division.
            seed: With the code, decides the guids of new rows.
            switches: Shared with the sandbox; changes take effect at once.
            profile: Its country, currencies and financial years; Dutch in euros where None.
        """
        self.code = code
        self.profile = profile or Profile()
        self.gl_accounts: dict[str, str] = {}
        """Keys of the ledger accounts that bookings need, by their role, such as `debtors`."""
        self.is_set_up = False
        """Whether the data of its past were made; until then no period is closed."""
        self.closed: tuple[int, int] = (0, 0)
        """The last financial year and period that are closed."""
        self.rng = random.Random(f"{seed}/{code}")
        self.switches = switches
        self.moved: date | None = None
        """Date of the last move to another database."""
        self.numbers: dict[str, int] = {}
        """The last number of each series."""
        self.activity: Counter[tuple[str, str]] = Counter()
        """Number of rows `created`, `updated` and `deleted` by table; cleared by the reader."""
        self._events: list[tuple[str, str, Any]] = []
        self._tables: dict[str, Table] = {}
        self._feeds: dict[str, Feed] = {}
        self._seen_from: datetime | None = None
        """Commit time of the current change, where that is later."""
        self._timestamp = FIRST_TIMESTAMP + self.rng.randrange(1_000_000)

    def copy(self, switches: Switches) -> Company:
        """The same company with rows of its own; the values in them never change."""
        made = copy(self)
        made.switches = switches
        made.rng = copy(self.rng)
        made.gl_accounts, made.numbers = {**self.gl_accounts}, {**self.numbers}
        made.activity = Counter(self.activity)
        made._events = [*self._events]  # noqa: SLF001 - of the same class
        rows = {id(row): {**row} for table in self._tables.values() for row in table.rows.values()}
        tables = {name: table.copy(rows) for name, table in self._tables.items()}
        made._tables = tables  # noqa: SLF001 - as above
        feeds = {name: feed.copy(rows) for name, feed in self._feeds.items()}
        made._feeds = feeds  # noqa: SLF001 - as above
        return made

    def table(self, name: str) -> Table:
        """The table of a plain endpoint; created empty."""
        if name not in self._tables:
            columns = schema().endpoints[name].properties
            key = schema().key_columns(name)
            is_guid = tuple(columns[column].type == "Edm.Guid" for column in key)
            self._tables[name] = Table(name, key, is_guid)
        return self._tables[name]

    @property
    def version(self) -> int:
        """A number that grows with each change of a row that the sync API knows."""
        return self._timestamp

    def is_closed(self, year: int, period: int) -> bool:
        """Whether a period of a financial year is closed, by the books or by the switch."""
        until = self.switches.closed_until
        return self.is_set_up and (
            (year, period) <= self.closed or (bool(until) and f"{year}-{period:02d}" <= until)
        )

    def tables(self) -> dict[str, Table]:
        """All tables with rows, by name."""
        return {name: table for name, table in self._tables.items() if len(table)}

    def feed(self, endpoint: str) -> Feed:
        """The feed of a sync endpoint."""
        return self._feeds.setdefault(endpoint, Feed())

    def guid(self) -> str:
        """A new guid."""
        return new_guid(self.rng)

    def number(self, series: str, first: int = 1) -> int:
        """The next number of a series."""
        self.numbers[series] = self.numbers.get(series, first - 1) + 1
        return self.numbers[series]

    def load(self, table: str, row: Row) -> Row:
        """Add a complete row and set its timestamp; for generated data."""
        self.table(table).add(row)
        feeds = schema().feed_of.get(table)
        if feeds:
            self._stamp(row, self.feed(feeds.endpoint))
        return row

    def insert(self, table: str, rows: list[Row], author: Author) -> None:
        """Insert rows of one document; set creator, modifier and times.

        Args:
            table: Their table.
            rows: The rows.
            author: Creator and time.
        """
        self._begin(author)
        columns = schema().endpoints[table].columns
        created = tick(author.moment)
        marks = {
            "Created": created,
            "Creator": author.user_id,
            "Modified": tick(created + _MODIFIED_DELAY),
            "Modifier": author.user_id,
        }
        feeds = schema().feed_of.get(table)
        if feeds:
            columns = {**columns, **schema().endpoints[feeds.endpoint].columns}
        known = {name: value for name, value in marks.items() if name in columns}
        for row in rows:
            row.update(known)
            self.table(table).add(row)
            self._note("created", table, row)
            if feeds is None or feeds.line != table:
                self.touch(table, row)
        if feeds is not None and feeds.line == table and rows:
            self.touch(table, rows[0])

    def update(self, table: str, row: Row, changes: Row, author: Author) -> None:
        """Update a row; set modifier and time."""
        self._begin(author)
        self._note("updated", table, row)
        marks: Row = {}
        if "Modified" in row:
            marks = {"Modified": tick(author.moment), "Modifier": author.user_id}
        self.table(table).change(row, {**changes, **marks})
        self._mark_header(table, row, author)
        self.touch(table, row)

    def delete(self, table: str, row: Row, author: Author) -> None:
        """Delete a row and log it; with the header of a mixed feed, its lines too."""
        self._begin(author)
        feeds = schema().feed_of.get(table)
        is_mixed_header = feeds is not None and feeds.line is not None and feeds.header == table
        lines = self.lines_of(table, row) if is_mixed_header else []
        self._remove(table, row)
        self._log(table, row, author)
        for line in lines:
            assert feeds is not None  # noqa: S101
            self._remove(str(feeds.line), line)
            if self.switches.log_deleted_lines:
                self._log(str(feeds.line), line, author)
        header = self._mark_header(table, row, author)
        if header is not None:
            self.touch(feeds.header if feeds else table, header)

    def take_events(self) -> list[tuple[str, str, Any]]:
        """What has changed since this was last asked; the latest thousands are kept.

        Returns:
            For each change `created`, `updated` or `deleted`, the table and the key.
        """
        events, self._events = self._events, []
        return events

    def _note(self, action: str, table: str, row: Row) -> None:
        self.activity[action, table] += 1
        self._events.append((action, table, self.table(table).key_of(row)))
        if len(self._events) > _EVENTS_KEPT:
            del self._events[: _EVENTS_KEPT // 2]

    def _begin(self, author: Author) -> None:
        late = self.switches.late_commits
        self._seen_from = author.moment + timedelta(seconds=late) if late else None

    def _mark_header(self, table: str, line: Row, author: Author) -> Row | None:
        """Set modifier and time on the header of a changed or deleted line, in a mixed feed."""
        header = self.header_of(table, line)
        feeds = schema().feed_of.get(table)
        if header is not None and feeds is not None and self.switches.line_touches_header:
            marks = {"Modified": tick(author.moment), "Modifier": author.user_id}
            self.table(feeds.header).change(header, marks)
        return header

    def header_of(self, table: str, row: Row) -> Row | None:
        """The header of a line in a mixed feed; None for every other row."""
        feeds = schema().feed_of.get(table)
        if feeds is None or feeds.line != table:
            return None
        headers = self.table(feeds.header)
        return headers.get(row[headers.key[0]])

    def lines_of(self, table: str, header: Row) -> list[Row]:
        """The lines of a header in a mixed feed."""
        feeds = schema().feed_of.get(table)
        if feeds is None or feeds.line is None or feeds.header != table:
            return []
        key = self.table(feeds.header).key[0]
        return self.table(feeds.line).where(key, header[key])

    def touch(self, table: str, row: Row) -> None:
        """Set a new timestamp on a row; in a mixed feed on all rows of its document."""
        feeds = schema().feed_of.get(table)
        if feeds is None:
            return
        feed = self.feed(feeds.endpoint)
        header = self.header_of(table, row)
        if header is not None:
            table, row = feeds.header, header
        for member in (row, *self.lines_of(table, row)):
            self._stamp(member, feed)

    def forget_old_deletes(self, now: datetime) -> None:
        """Remove entries older than two months from the deleted log."""
        log = self.table(DELETED)
        for entry in list(log.rows.values()):
            if entry["DeletedDate"] >= now - _LOG_KEPT:
                break
            self._remove(DELETED, entry)

    def move(self, day: date) -> None:
        """Move the division to another database, which restarts its timestamps."""
        self.moved = day
        self._seen_from = None
        self._timestamp = _TIMESTAMP_AFTER_MOVE
        for feed in self._feeds.values():
            rows = list(feed.after(0))
            feed.clear()
            if not self.switches.move_keeps_order:
                self.rng.shuffle(rows)
            for row in rows:
                del row["Timestamp"]
            for row in rows:
                self._stamp(row, feed)
        log = self.table(DELETED)
        kept = list(log.rows.values())
        self._tables[DELETED] = Table(DELETED, log.key, (False,))
        for row in kept:
            self.table(DELETED).add(row)

    def _stamp(self, row: Row, feed: Feed) -> None:
        if "Timestamp" in row:
            feed.forget()
        self._timestamp += 1
        row["Timestamp"] = self._timestamp
        feed.append(row, self._seen_from)

    def _remove(self, table: str, row: Row) -> None:
        self._note("deleted", table, row)
        self.table(table).remove(row)
        feeds = schema().feed_of.get(table)
        if feeds:
            del row["Timestamp"]
            self.feed(feeds.endpoint).forget()

    def _log(self, table: str, row: Row, author: Author) -> None:
        number = schema().deleted_type_of.get(table)
        if number is None:
            return
        entry: Row = {
            "ID": self.guid(),
            "EntityKey": self.table(table).key_of(row),
            "EntityType": number,
            "DeletedBy": author.user_id,
            "DeletedDate": tick(author.moment),
        }
        self._stamp(entry, self.feed(DELETED))
        self.table(DELETED).add(entry)
