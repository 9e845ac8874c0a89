"""Read one partition: the rows of one stream in one division, in a worker thread."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar

from exactonline_client.odata.records import PageDecoder, projection
from tap_exactonline.definitions.definition import DIVISION, TIMESTAMP
from tap_exactonline.definitions.schema import UNKNOWN_FIELDS
from tap_exactonline.deletes import key_diff
from tap_exactonline.deletes.key_diff import KeyDiff
from tap_exactonline.extract import decoding, permissions
from tap_exactonline.extract.batch import MAX_ROWS, Batch
from tap_exactonline.extract.query import UNKNOWN_COLUMN, Query, available_columns, read_pages
from tap_exactonline.readers.position import Position
from tap_exactonline.readers.request import needed_columns
from tap_exactonline.readers.tombstones import Tombstones
from tap_exactonline.state import validity
from tap_exactonline.state.bookmarks import BookmarkTracker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from exactonline_client.catalogue import Property
    from exactonline_client.http.pagination import Page
    from exactonline_client.odata.decoding import Row
    from exactonline_client.odata.records import DecodedRow
    from tap_exactonline.definitions.definition import StreamDefinition
    from tap_exactonline.readers.request import StreamRequest
    from tap_exactonline.readers.run import Run

    Context = Mapping[str, Any]


class PartitionReader:
    """Read one stream in one division."""

    required_columns: ClassVar[tuple[str, ...]] = ()
    """Columns to request even if they are not selected."""

    def __init__(
        self,
        run: Run,
        request: StreamRequest,
        division: int,
        context: Context | None,
        state: dict[str, Any],
    ) -> None:
        """Read nothing yet; `state` is a copy that the reader advances, see `Batch`."""
        self.run = run
        self.request = request
        self.division = division
        self.context = context
        self.state = state
        self.connection = run.connection
        self.position = Position(request, state, run.context.start_date, zone=self.connection.zone)
        self.tombstones = Tombstones(request, division, run.deleted_logs, self.connection)

    @property
    def definition(self) -> StreamDefinition:
        """Definition of the stream."""
        return self.request.definition

    @property
    def name(self) -> str:
        """Name of the stream."""
        return self.definition.name

    @property
    def list_endpoint(self) -> str:
        """Endpoint of the list that the rows are read from."""
        return self.definition.endpoint.id

    def read(self) -> Iterator[Batch]:
        """Yield all batches; check permissions if the partition has never had rows."""
        self.check_state()
        yield from self.read_deletes()
        is_first = not self.state.get("replication_key_value")
        is_empty = True
        for batch in self.rows():
            is_empty = is_empty and not batch.rows
            yield batch
        if is_empty and is_first and self.run.checks_rights:
            yield from self._check_rights()

    @property
    def partitions(self) -> Sequence[PartitionReader]:
        """Partitions that are read from the list, this one first."""
        return (self,)

    def _check_rights(self) -> Iterator[Batch]:
        """Check permissions of an empty list, and note the time in the state."""
        reader = next(each for each in self.partitions if each.request.is_selected)
        now = self.run.context.started_at
        if permissions.is_due(self.connection, reader.division, reader.state, now):
            permissions.warn_if_denied(self.connection, reader.definition, reader.division)
            reader.state[permissions.CHECKED_AT] = now.isoformat()
            yield reader.batch()

    # Validity of the state

    def check_state(self) -> None:
        """Reset the state if it is no longer valid, see `validity`."""
        if self.context and self.request.is_selected:
            partition = f"{self.name} of division {self.division}"
            has_rowversions = self.definition.bookmark == TIMESTAMP or self.request.reads_log
            moved_at = self.run.divisions.moved_at(self.division) if has_rowversions else None
            validity.check(partition, self.state, moved_at, self.run.context.started_at)
            self._check_left_out_columns()

    def _check_left_out_columns(self) -> None:
        """Reset the state if columns are available again that rows were sent without."""
        missing = {*self.requested_columns} & {*self.state.get(validity.LEFT_OUT, ())}
        if not missing:
            return
        refused = self._refused_columns()
        columns = sorted(missing - refused) if UNKNOWN_COLUMN not in refused else []
        if not columns:
            return
        query = self.columns_query([*key_diff.key(self.definition), *columns])
        restored = {*columns} & available_columns(self.connection, self.definition, query)
        if restored:
            self.state[validity.LEFT_OUT] = sorted({*self.state[validity.LEFT_OUT]} - restored)
            self.run.context.logger.getChild(self.name).warning(
                "%s of division %s: %s is there again. Everything is read again.",
                self.name,
                self.division,
                ", ".join(sorted(restored)),
            )
            validity.reset(self.state)

    def _refused_columns(self) -> set[str]:
        """Columns that are known to be refused, and `$select` if it is not known which."""
        refused = self.connection.refused_in(self.division)
        options = {*refused.until(self.list_endpoint), *refused.until(self.definition.endpoint.id)}
        named = f"{UNKNOWN_COLUMN}="
        return {
            option.removeprefix(named).rpartition("/")[-1]
            for option in options
            if option == UNKNOWN_COLUMN or option.startswith(named)
        }

    # Rows

    def rows(self) -> Iterator[Batch]:
        """Yield the rows after the bookmark, then tombstones for missing keys."""
        start = self.position.start(self.definition.bookmark)
        decode = self.decoder()
        tracker = BookmarkTracker(self.definition.bookmark or "", self.connection.zone)
        diff = self.key_diff_or_none()
        for page in self.pages(start):
            rows: Sequence[DecodedRow] = page.records or [decode(row) for row in page.rows]
            if diff:
                diff.add_records(rows)
            if self.definition.bookmark:
                changed_at = [row.get(self.definition.changed_column) for row in rows]
                tracker.add_page(page, [row[self.definition.bookmark] for row in rows], changed_at)
            self.position.advance(tracker)
            yield self.batch(self._filter_rows(rows))
        tracker.finish()
        self.position.advance(tracker)
        self.position.complete(tracker)
        yield self.batch()
        if diff:
            if start is not None:
                diff.add_pages(self.key_pages())
            yield from self.in_batches(diff.tombstones(self.state, sent_all=start is None))

    def pages(self, start: Any) -> Iterator[Page]:  # noqa: ANN401
        """Pages of the list after a bookmark."""
        query = Query(
            self.division, self.requested_columns, start, all_columns=self.request.keeps_unknown
        )
        return read_pages(self.connection, self.definition, query, self._page_decoder())

    def _page_decoder(self) -> PageDecoder | None:
        """Make the decoder of whole pages; None if they must be decoded row by row."""
        if self.needs_rows:
            return None
        return PageDecoder(self.columns, {DIVISION.name}, self.connection.zone)

    @property
    def needs_rows(self) -> bool:
        """Whether records are made of rows one by one, as they hold more than their columns."""
        complete = DIVISION.name in self.definition.endpoint.columns
        return self.request.keeps_unknown or not complete

    def key_pages(self) -> Iterator[Page]:
        """Pages of all rows with their keys only."""
        query = self.columns_query(key_diff.key(self.definition))
        return read_pages(self.connection, key_diff.key_definition(self.definition), query)

    def columns_query(self, columns: Sequence[str]) -> Query:
        """Query of all rows with some columns only."""
        return Query(self.division, columns)

    def key_diff_or_none(self) -> KeyDiff | None:
        """Comparison of keys; None if it is not configured for the stream."""
        if not self.request.compares_keys or not self.request.is_selected:
            return None
        return KeyDiff(self.connection, self.definition, self.division, self.note_unreadable)

    def read_deletes(self) -> Iterator[Batch]:
        """Yield a tombstone for every row in the deleted log since the last run."""
        if not self.request.sends_tombstones:
            return
        position = self.state.get(validity.DELETES_READ)
        self.tombstones.read_log()
        if position is not None:
            yield from self.in_batches(self.tombstones.rows(position))
        if self.tombstones.advance(self.state):
            yield self.batch()

    # Records

    @property
    def requested_columns(self) -> list[str]:
        """Columns to request from the endpoint."""
        known = self.definition.endpoint.columns
        return [item.name for item in self.columns if item.name in known]

    @property
    def columns(self) -> list[Property]:
        """Columns of the records."""
        selected = self.request.columns
        needed = [self.definition.columns[name] for name in self.required_columns]
        return [*selected, *(item for item in needed if item not in selected)]

    @property
    def sends_select(self) -> bool:
        """Whether `$select` is sent."""
        return True

    def decoder(self) -> Callable[[Row], Row]:
        """Make a function that converts an API row to a record.

        A requested column that is missing from the row is left out, so that an upsert keeps the
        value in the warehouse.
        """
        decode = self._decoder(self.columns, self.note_unreadable)
        complete = DIVISION.name in self.definition.endpoint.columns
        asked = (
            {*self.requested_columns} - needed_columns(self.definition)
            if self.sends_select
            else set()
        )

        def record(row: Row) -> Row:
            result = decode(row)
            if result is not row:
                for name in asked - row.keys():
                    del result[name]
                    out = {name, *self.state.get(validity.LEFT_OUT, ())}
                    self.state[validity.LEFT_OUT] = sorted(out)
            unknown = self.request.drift.unknown(row)
            if self.request.keeps_unknown:
                result[UNKNOWN_FIELDS] = unknown
            if not complete or result.get(DIVISION.name) is None:
                result[DIVISION.name] = self.division
            return result

        return record

    def row_decoder(self) -> Callable[[DecodedRow], DecodedRow]:
        """Make a function that converts an API row, or one decoded with its page, to a record."""
        decode = self.decoder()
        project = projection([item.name for item in self.columns])
        return lambda row: decode(row) if isinstance(row, dict) else project(row)

    def columns_decoder(self, names: Iterable[str]) -> Callable[[Row], Row]:
        """Make a function that decodes some columns only, and reports no problems."""
        columns = [self.definition.endpoint.columns[name] for name in names]
        return self._decoder(columns, lambda *_: None)

    def _decoder(
        self, columns: list[Property], note: decoding.NoteUnreadable
    ) -> Callable[[Row], Row]:
        return decoding.decoder(columns, self.connection.zone, self.definition.stream.key, note)

    def rows_with_key(self, rows: Sequence[DecodedRow]) -> list[DecodedRow]:
        """Rows with a complete primary key."""
        known = self.definition.endpoint.columns
        # Key columns that the endpoint does not have are parameters of the call.
        key = [name for name in key_diff.key(self.definition) if name in known]
        return decoding.rows_with_key(rows, key, self.note_unreadable)

    def _filter_rows(self, rows: Sequence[DecodedRow]) -> list[DecodedRow]:
        """Rows with a complete primary key that are not older than the start date."""
        rows = self.rows_with_key(rows)
        since = self.position.oldest
        if since is None:
            return rows
        return [row for row in rows if (row[self.definition.changed_column] or since) >= since]

    @property
    def note_unreadable(self) -> decoding.NoteUnreadable:
        """Function that records an unreadable value of the partition."""
        return partial(self.run.unreadable.note, self.name, self.division)

    # Batches

    def batch(self, rows: Iterable[DecodedRow] = ()) -> Batch:
        """Batch of rows with the current state."""
        row_list = [*rows]
        self.tombstones.note_sent_keys(row_list)
        return Batch(self.name, self.context, row_list, dict(self.state))

    def in_batches(self, rows: Iterable[Row]) -> Iterator[Batch]:
        """Split rows into batches; the last one is empty and has the state after all rows."""
        source = iter(rows)
        while chunk := [*islice(source, MAX_ROWS)]:
            yield self.batch(chunk)
        yield self.batch()
