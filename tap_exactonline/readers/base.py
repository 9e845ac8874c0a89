"""Reads one partition: the rows of one stream in one division, in a thread of its own."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar

from tap_exactonline.definitions.definition import DIVISION, TIMESTAMP
from tap_exactonline.definitions.schema import UNKNOWN_FIELDS
from tap_exactonline.deletes import key_diff
from tap_exactonline.deletes.key_diff import Comparison
from tap_exactonline.extract import decoding, permissions
from tap_exactonline.extract import query as reading
from tap_exactonline.extract.batch import MOST_ROWS, Batch
from tap_exactonline.readers.position import Position
from tap_exactonline.readers.request import needed_columns
from tap_exactonline.readers.tombstones import Tombstones
from tap_exactonline.state import validity
from tap_exactonline.state.bookmarks import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from exactonline_client.catalogue import Property
    from exactonline_client.http.pagination import Page
    from exactonline_client.odata.decoding import Row
    from tap_exactonline.definitions.definition import Plan
    from tap_exactonline.readers.request import StreamRequest
    from tap_exactonline.readers.run import Run

    Context = Mapping[str, Any]


class PartitionReader:
    """Reads one stream in one division."""

    needs: ClassVar[tuple[str, ...]] = ()
    """Columns that it reads whether they are selected or not."""

    def __init__(
        self,
        run: Run,
        request: StreamRequest,
        division: int,
        context: Context | None,
        state: dict[str, Any],
    ) -> None:
        """Read nothing yet; `state` is a copy, as it will be when all read so far is out."""
        self.run = run
        self.request = request
        self.division = division
        self.context = context
        self.state = state
        self.connection = run.connection
        self.position = Position(request, state, run.context.start_date, zone=self.connection.zone)
        self.tombstones = Tombstones(request, division, run.deleted_logs, self.connection)

    @property
    def plan(self) -> Plan:
        """How the stream is read."""
        return self.request.plan

    @property
    def name(self) -> str:
        """The stream's name."""
        return self.plan.name

    @property
    def list_endpoint(self) -> str:
        """The endpoint of the list that the rows come from."""
        return self.plan.endpoint.id

    def read(self) -> Iterator[Batch]:
        """All rows; where there has never been one, the rights are asked about."""
        self.check_continuity()
        yield from self.deleted()
        is_first = not self.state.get("replication_key_value")
        is_empty = True
        for batch in self.rows():
            is_empty = is_empty and not batch.rows
            yield batch
        if is_empty and is_first and self.run.asks_for_rights:
            yield from self._ask_for_rights()

    @property
    def partitions(self) -> Sequence[PartitionReader]:
        """The partitions that the list feeds, its own first."""
        return (self,)

    def _ask_for_rights(self) -> Iterator[Batch]:
        """Ask whether the user may read what is empty; the state tells when that was asked."""
        there = next(each for each in self.partitions if each.request.is_selected)
        now = self.run.context.started_at
        if permissions.is_due(self.connection, there.division, there.state, now):
            permissions.doubt(self.connection, there.plan, there.division)
            there.state[permissions.ASKED_AT] = now.isoformat()
            yield there.batch()

    # The state still fits

    def check_continuity(self) -> None:
        """Start anew where the state no longer fits what Exact Online knows."""
        if self.context and self.request.is_selected:
            what = f"{self.name} of division {self.division}"
            has_rowversions = self.plan.bookmark == TIMESTAMP or self.request.reads_log
            moved_at = self.run.divisions.moved_at(self.division) if has_rowversions else None
            validity.check(what, self.state, moved_at, self.run.context.started_at)
            self._look_for_left_out()

    def _look_for_left_out(self) -> None:
        """Start anew where columns are back that rows were sent without."""
        wanted = {*self.asked_columns} & {*self.state.get(validity.LEFT_OUT, ())}
        out = self._refused_columns()
        columns = sorted(wanted - out) if reading.COLUMNS not in out else []
        if not columns:
            return
        query = self.query_of([*key_diff.key(self.plan), *columns])
        back = {*columns} & reading.given(self.connection, self.plan, query)
        if back:
            self.state[validity.LEFT_OUT] = sorted({*self.state[validity.LEFT_OUT]} - back)
            self.run.context.logger.getChild(self.name).warning(
                "%s of division %s: %s is there again. Everything is read again.",
                self.name,
                self.division,
                ", ".join(sorted(back)),
            )
            validity.forget(self.state)

    def _refused_columns(self) -> set[str]:
        """The columns that are known to be refused, and `$select` where it is not known which."""
        refused = self.connection.refused_in(self.division)
        options = {*refused.until(self.list_endpoint), *refused.until(self.plan.endpoint.id)}
        named = f"{reading.COLUMNS}="
        return {
            option.removeprefix(named).rpartition("/")[-1]
            for option in options
            if option == reading.COLUMNS or option.startswith(named)
        }

    # The rows

    def rows(self) -> Iterator[Batch]:
        """The rows behind the bookmark, and tombstones for those whose keys are gone."""
        start = self.position.start(self.plan.bookmark)
        decode = self.decoder()
        progress = Progress(self.plan.bookmark or "", self.connection.zone)
        compared = self.comparison()
        for page in self.pages(start):
            rows = [decode(row) for row in page.rows]
            if compared:
                compared.note(rows)
            if self.plan.bookmark:
                moments = [row.get(self.plan.stamp) for row in rows]
                progress.page_read(page, [row[self.plan.bookmark] for row in rows], moments)
            self.position.advance(progress)
            yield self.batch(self._wanted(rows))
        progress.finished()
        self.position.advance(progress)
        self.position.complete(progress)
        yield self.batch()
        if compared:
            if start is not None:
                compared.list(self.key_pages())
            yield from self.batches(compared.gone(self.state, sent_all=start is None))

    def pages(self, start: Any) -> Iterator[Page]:  # noqa: ANN401
        """The pages of the list behind a bookmark."""
        query = reading.Query(
            self.division, self.asked_columns, start, everything=self.request.keeps_unknown
        )
        return reading.read(self.connection, self.plan, query)

    def key_pages(self) -> Iterator[Page]:
        """All rows, with no more than their keys."""
        query = self.query_of(key_diff.key(self.plan))
        return reading.read(self.connection, key_diff.key_plan(self.plan), query)

    def query_of(self, columns: Sequence[str]) -> reading.Query:
        """All rows, with no more than some columns."""
        return reading.Query(self.division, columns)

    def comparison(self) -> Comparison | None:
        """What finds the rows that are gone; None where that is not wanted."""
        if not self.request.compares or not self.request.is_selected:
            return None
        return Comparison(self.connection, self.plan, self.division, self.note)

    def deleted(self) -> Iterator[Batch]:
        """A tombstone for every row that was deleted since the last run."""
        if not self.request.sends_tombstones:
            return
        position = self.state.get(validity.DELETES_READ)
        self.tombstones.read_log()
        if position is not None:
            yield from self.batches(self.tombstones.rows(position))
        if self.tombstones.move_on(self.state):
            yield self.batch()

    # Records

    @property
    def asked_columns(self) -> list[str]:
        """Those of the selected columns that the endpoint gives."""
        known = self.plan.endpoint.columns
        return [item.name for item in self._columns if item.name in known]

    @property
    def _columns(self) -> list[Property]:
        chosen = self.request.columns
        needed = [self.plan.columns[name] for name in self.needs]
        return [*chosen, *(item for item in needed if item not in chosen)]

    @property
    def sends_select(self) -> bool:
        """Whether Exact is told which columns are wanted."""
        return True

    def decoder(self) -> Callable[[Row], Row]:
        """A function that makes a record of a row of the API.

        A column that was asked for and does not come is left out: an upsert keeps its value.
        """
        decode = self._decoder(self._columns, self.note)
        complete = DIVISION.name in self.plan.endpoint.columns
        asked = {*self.asked_columns} - needed_columns(self.plan) if self.sends_select else set()

        def record(row: Row) -> Row:
            result = decode(row)
            if result is not row:
                for name in asked - row.keys():
                    del result[name]
                    out = {name, *self.state.get(validity.LEFT_OUT, ())}
                    self.state[validity.LEFT_OUT] = sorted(out)
            unknown = self.request.watch.unknown(row)
            if self.request.keeps_unknown:
                result[UNKNOWN_FIELDS] = unknown
            if not complete or result.get(DIVISION.name) is None:
                result[DIVISION.name] = self.division
            return result

        return record

    def columns_decoder(self, names: Iterable[str]) -> Callable[[Row], Row]:
        """A function that decodes these columns of the list alone, and notes nothing."""
        columns = [self.plan.endpoint.columns[name] for name in names]
        return self._decoder(columns, lambda *_: None)

    def _decoder(self, columns: list[Property], note: decoding.Note) -> Callable[[Row], Row]:
        return decoding.decoder(columns, self.connection.zone, self.plan.stream.key, note)

    def keyed(self, rows: list[Row]) -> list[Row]:
        """Those of the rows that can be told apart."""
        known = self.plan.endpoint.columns
        # A column of the key that the endpoint does not give is told by the call itself.
        key = [name for name in key_diff.key(self.plan) if name in known]
        return decoding.keyed(rows, key, self.note)

    def _wanted(self, rows: list[Row]) -> list[Row]:
        """Those of the rows that can be told apart and are not too old."""
        rows = self.keyed(rows)
        since = self.position.oldest
        if since is None:
            return rows
        return [row for row in rows if (row[self.plan.stamp] or since) >= since]

    @property
    def note(self) -> decoding.Note:
        """What notes that something of a row could not be read."""
        return partial(self.run.unreadable.note, self.name, self.division)

    # Batches

    def batch(self, rows: Iterable[Row] = ()) -> Batch:
        """These rows, and the state as it is now."""
        found = [*rows]
        self.tombstones.note_keys(found)
        return Batch(self.name, self.context, found, dict(self.state))

    def batches(self, rows: Iterable[Row]) -> Iterator[Batch]:
        """Any number of rows, and at last the state as it is behind them."""
        source = iter(rows)
        while some := [*islice(source, MOST_ROWS)]:
            yield self.batch(some)
        yield self.batch()
