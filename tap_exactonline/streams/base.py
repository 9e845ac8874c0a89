"""The stream that reads any entity, from the endpoint that its plan names."""

from __future__ import annotations

import logging
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from singer_sdk import Stream
from singer_sdk.exceptions import AbortedSyncExceptionBase
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.singerlib import Metadata
from typing_extensions import override

from exactonline_client.errors import ExactOnlineError
from exactonline_client.plugin.stream_maps import is_tombstone
from tap_exactonline.definitions.definition import DIVISION, MODIFIED, TIMESTAMP
from tap_exactonline.definitions.schema import DELETED_AT, UNKNOWN_FIELDS, schema
from tap_exactonline.deletes import key_diff
from tap_exactonline.deletes import log as deletes
from tap_exactonline.deletes.key_diff import Comparison
from tap_exactonline.extract import decoding, permissions, schema_drift
from tap_exactonline.extract import query as reading
from tap_exactonline.extract.batch import Partition
from tap_exactonline.extract.workers import Ended
from tap_exactonline.state import bookmarks, inputs, validity
from tap_exactonline.state.bookmarks import PARTITION, Progress

if TYPE_CHECKING:
    from collections.abc import (
        Callable,
        Generator,
        Iterable,
        Iterator,
        Mapping,
        MutableMapping,
        Sequence,
    )

    from singer_sdk import Tap
    from singer_sdk.singerlib import Catalog, MetadataMapping, RecordMessage

    from exactonline_client.catalogue import Property
    from exactonline_client.http.pagination import Page
    from exactonline_client.odata.decoding import Row
    from tap_exactonline.definitions.definition import Plan
    from tap_exactonline.deletes.log import DeletedLog
    from tap_exactonline.extract.batch import Batch
    from tap_exactonline.readers.run import Run

    Context = Mapping[str, Any]

NO_STATE_BY_COUNT = sys.maxsize


class ExactStream(Stream):
    """One entity, read from the endpoint that its plan names."""

    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE  # the decoder makes exact types itself
    STATE_MSG_FREQUENCY = NO_STATE_BY_COUNT  # state goes out page by page
    _lacks_keys = False
    """Whether it was told that tombstones lack their key."""

    def __init__(self, tap: Tap, run: Run, plan: Plan) -> None:
        """A stream of `tap` that is read in `run` as `plan` says."""
        self.run = run
        self.plan = plan
        self.compares = plan.name in run.compared
        self._reads_log = run.sends_tombstones and bool(plan.stream.deleted_type)
        self.tombstones = self._reads_log or self.compares
        self._siblings = deletes.siblings(plan, run.plans.values()) if self._reads_log else []
        self._may_keep = run.keeps_unknown and plan.may_star
        self._watch = schema_drift.Watch(plan.name, plan.endpoint.properties)
        facts = schema(plan, tombstones=self.tombstones, unknown=self._may_keep)
        super().__init__(tap, schema=facts, name=plan.name)
        self.primary_keys = plan.primary_keys
        self.replication_key = plan.bookmark

    @property
    @override
    def metadata(self) -> MetadataMapping:
        """The catalog metadata; the mark of a deleted row cannot be deselected."""
        metadata = super().metadata
        if self.tombstones:
            mark = metadata.setdefault(("properties", DELETED_AT), Metadata())
            mark.inclusion = Metadata.InclusionType.AUTOMATIC
        return metadata

    @override
    def apply_catalog(self, catalog: Catalog) -> None:
        """Take over what the user's catalog says, which may have been made with other settings."""
        marks = {DELETED_AT, UNKNOWN_FIELDS, DIVISION.name}
        inputs.fit(catalog.get_stream(self.name), self.schema, self._needed_columns | marks)
        super().apply_catalog(catalog)
        if self.replication_key:
            # That of the catalog may be a column of another endpoint.
            self.replication_key = self.plan.bookmark

    @property  # type: ignore[explicit-override]  # it has one; a setter makes mypy blind to it
    @override
    def selected(self) -> bool:
        """Whether the user wants the stream, and there is something to be read of it."""
        return bool(self.mask.get((), True)) and self.run.divisions.has_news(self.name)

    @selected.setter
    @override
    def selected(self, value: bool | None) -> None:
        self.metadata.root.selected = value
        self._mask = self.metadata.resolve_selection()

    @property
    @override
    def partitions(self) -> None:
        """None for the SDK, which would read one division after the other."""

    @override
    def log(self, message: str, *args: Any, level: int = logging.INFO, **kwargs: Any) -> None:
        """Log, but leave our own errors to the one line in which the run ends."""
        quiet = (ExactOnlineError, AbortedSyncExceptionBase)
        if level >= logging.ERROR and isinstance(sys.exc_info()[1], quiet):
            return
        super().log(message, *args, level=level, **kwargs)

    @override
    def generate_child_contexts(self, record: Row, context: Context | None) -> Iterable[None]:
        """No child is read record by record; and the partition's name is no column."""
        record.pop(PARTITION, None)
        return ()

    @override
    def _write_record_message(self, record: Row) -> None:
        self.run.context.stop.check()
        super()._write_record_message(record)

    @override
    def _generate_record_messages(self, record: Row) -> Generator[RecordMessage, None, None]:
        """A tombstone without the key that a catalog or a map asks for would be a new row."""
        messages = super()._generate_record_messages(record)
        if not is_tombstone(record):
            yield from messages
            return
        keys = {one.stream_alias: one.transformed_key_properties or () for one in self.stream_maps}
        for message in messages:
            lacking = [name for name in keys[message.stream] if name not in message.record]
            if not lacking:
                yield message
            elif not self._lacks_keys:
                self._lacks_keys = True
                self.log(
                    "%s: deletes cannot be told, since the key that the catalog or stream_maps "
                    "asks for has columns (%s) that Exact Online does not tell of a deleted row.",
                    message.stream,
                    ", ".join(lacking),
                    level=logging.WARNING,
                )

    @override
    def _increment_stream_state(self, latest_record: Row, *, context: Any = None) -> None:
        """The bookmark moves by pages, not by records (see `bookmarks`)."""

    @override
    def _write_starting_replication_value(self, context: Context | None) -> None:
        """Where a list is read from is known to its partition of the state alone."""

    @override
    def get_replication_key_signpost(self, context: Context | None = None) -> None:
        """None: a bookmark is never ahead of the rows (see `bookmarks`)."""

    @override
    def get_records(self, context: Context | None) -> Iterator[Row]:
        """The records of all divisions, which are read side by side.

        An error of one division leaves the others alone.
        """
        with self.run.readers.side_by_side(self.name, self._readers()) as found:
            for division, given in found:
                if isinstance(given, Ended):
                    self.run.unreadable.tell()
                    with self.run.isolation.isolated(
                        self.told_as, self.plan.endpoint.id, division, self.run.progress.rows
                    ):
                        given.check()
                elif given.stream == self.name:
                    yield from given.rows
                    self.sent(given)
                else:
                    self.send_lines(given)

    @property
    def told_as(self) -> str:
        """The stream that a user who selects it knows the list by."""
        return self.name

    @property
    def list_endpoint(self) -> str:
        """The endpoint of the list that the rows come from."""
        return self.plan.endpoint.id

    def _readers(self) -> dict[int, Callable[[], Iterator[Batch]]]:
        """What reads each division, to be run in a thread."""
        per_user = self.plan.stream.per_user
        divisions = [self.run.divisions.current] if per_user else self.run.divisions.of(self.name)
        contexts = {division: None if per_user else {PARTITION: division} for division in divisions}
        return {
            division: partial(self._read, *self._begin(division, context))
            for division, context in contexts.items()
            if self.run.isolation.may_read(self.plan, division)
        }

    def _begin(self, division: int, context: Context | None) -> tuple[Partition, ...]:
        """The partitions that are read together in a division, this stream's own first."""
        return (self.partition(division, context),)

    def partition(self, division: int, context: Context | None) -> Partition:
        """The stream in one division, with the state as it is before the run."""
        state: MutableMapping[str, Any] = self.get_context_state(context)
        if self._tells_deletes:
            place = self.run.deleted_logs.watermarks.places(division).get(self.name)
            state = validity.with_place(state, place)
        return Partition(
            self.plan,
            self.selected,
            division,
            context,
            dict(state),
            partial(self.remember, division),
        )

    def sent(self, batch: Batch) -> None:
        """Let the state of a batch hold, now that its rows are out."""
        batch.settle(self.get_context_state(batch.context))
        self.run.states.changed()

    def send_lines(self, batch: Batch) -> None:
        """Send rows that belong to a child."""
        raise NotImplementedError

    def _read(self, here: Partition, *others: Partition) -> Iterator[Batch]:
        """All rows of one division; where there has never been one, the rights are asked about."""
        self.check_continuity(here)
        yield from self._deleted(here)
        is_first = not here.state.get("replication_key_value")
        is_empty = True
        for batch in self._rows(here, *others):
            is_empty = is_empty and not batch.rows
            yield batch
        if is_empty and is_first and self.run.asks_for_rights:
            yield from self._doubted(here, *others)

    def _doubted(self, *partitions: Partition) -> Iterator[Batch]:
        """Ask whether the user may read what is empty; the state tells when that was asked."""
        there = next(each for each in partitions if each.is_selected)
        connection = self.run.connection
        if permissions.is_due(connection, there.division, there.state, self.run.context.started_at):
            permissions.doubt(connection, there.plan, there.division)
            there.state[permissions.ASKED_AT] = self.run.context.started_at.isoformat()
            yield there.batch()

    def check_continuity(self, here: Partition) -> None:
        """Start anew where the state no longer fits what Exact Online knows."""
        if here.context and self.selected:
            what = f"{self.name} of division {here.division}"
            has_rowversions = self.plan.bookmark == TIMESTAMP or self._reads_log
            moved_at = self.run.divisions.moved_at(here.division) if has_rowversions else None
            validity.check(what, here.state, moved_at, self.run.context.started_at)
            self._look_for_left_out(here)

    def _look_for_left_out(self, here: Partition) -> None:
        """Start anew where columns are back that rows were sent without."""
        wanted = {*self.asked_columns} & {*here.state.get(validity.LEFT_OUT, ())}
        out = self._refused_columns(here.division)
        columns = sorted(wanted - out) if reading.COLUMNS not in out else []
        if not columns:
            return
        query = self._query_of(here.division, [*key_diff.key(self.plan), *columns])
        back = {*columns} & reading.given(self.run.connection, self.plan, query)
        if back:
            here.state[validity.LEFT_OUT] = sorted({*here.state[validity.LEFT_OUT]} - back)
            self.logger.warning(
                "%s of division %s: %s is there again. Everything is read again.",
                self.name,
                here.division,
                ", ".join(sorted(back)),
            )
            validity.forget(here.state)

    def _refused_columns(self, division: int) -> set[str]:
        """The columns that are known to be refused, and `$select` where it is not known which."""
        refused = self.run.connection.refused_in(division)
        options = {*refused.until(self.list_endpoint), *refused.until(self.plan.endpoint.id)}
        named = f"{reading.COLUMNS}="
        return {
            option.removeprefix(named).rpartition("/")[-1]
            for option in options
            if option == reading.COLUMNS or option.startswith(named)
        }

    def _rows(self, here: Partition, *_: Partition) -> Iterator[Batch]:
        start = self.start(here.state, self.plan.bookmark)
        decode = self.decoder(here)
        progress = Progress(self.plan.bookmark or "", self.run.connection.zone)
        compared = self.comparison(here.division)
        for page in self._pages(here.division, start):
            rows = [decode(row) for row in page.rows]
            if compared:
                compared.note(rows)
            if self.plan.bookmark:
                moments = [row.get(self.plan.stamp) for row in rows]
                progress.page_read(page, [row[self.plan.bookmark] for row in rows], moments)
            self.advance(here.state, progress)
            yield here.batch(self.wanted(rows, here))
        progress.finished()
        self.advance(here.state, progress)
        self.complete(here.state, progress)
        yield here.batch()
        if compared:
            if start is not None:
                compared.list(self._key_pages(here.division))
            yield from here.batches(compared.gone(here.state, sent_all=start is None))

    def comparison(self, division: int) -> Comparison | None:
        """What finds the rows that are gone; None where that is not wanted."""
        if not self.compares or not self.selected:
            return None
        return Comparison(self.run.connection, self.plan, division, self.note(division))

    def _key_pages(self, division: int) -> Iterator[Page]:
        """All rows, with no more than their keys."""
        query = self._query_of(division, key_diff.key(self.plan))
        return reading.read(self.run.connection, key_diff.key_plan(self.plan), query)

    def _query_of(self, division: int, columns: Sequence[str]) -> reading.Query:
        """All rows, with no more than some columns."""
        return reading.Query(division, columns)

    def complete(self, state: dict[str, Any], progress: Progress) -> None:
        """The whole list is read: note until when it is complete."""
        state.pop(validity.SINCE, None)
        if self.selected and self.is_incremental and progress.settled is not None:
            state[validity.COMPLETE_UNTIL] = progress.settled

    def _pages(self, division: int, start: Any) -> Iterator[Page]:  # noqa: ANN401
        query = reading.Query(division, self.asked_columns, start, everything=self.keeps_unknown)
        return reading.read(self.run.connection, self.plan, query)

    def advance(self, state: dict[str, Any], progress: Progress) -> None:
        """Move the bookmark to what is proven."""
        if self.selected and self.is_incremental:
            bookmarks.advance(state, progress)

    @property
    def is_incremental(self) -> bool:
        """Whether only changes are read; the catalog can ask for everything instead."""
        return self.replication_method == "INCREMENTAL"

    def start(self, state: dict[str, Any], column: str | None) -> Any:  # noqa: ANN401
        """Behind which bookmark of a column to read; None for everything."""
        if column is None or not self.is_incremental:
            return None
        found = bookmarks.start(state, column)
        if found is None:
            found = validity.other_start(state, column)
        start_date = self.run.context.start_date
        if column == MODIFIED:
            return self._since_moment(state, found, start_date)
        if found is not None or start_date is None:
            return found
        # A company that was moved, copied or restored has rowversions in another order than
        # moments: everything is read, and what is too old is left out.
        state[validity.SINCE] = start_date
        return reading.BEGINNING

    @staticmethod
    def _since_moment(
        state: dict[str, Any], bookmark: str | None, start_date: str | None
    ) -> str | None:
        """Where a list goes on by `Modified`; older rows come where it takes no filter.

        A start date behind the bookmark must not keep back what has changed between the two.
        """
        state.pop(validity.SINCE, None)
        if start_date is None:
            return bookmark
        state[validity.SINCE] = min(start_date, bookmark or start_date)
        return bookmark or bookmarks.just_before(start_date)

    def oldest(self, state: Mapping[str, Any]) -> str | None:
        """The moment before which rows are not wanted, although the list may hold such."""
        if not self.is_incremental or self.plan.stamp not in self.plan.endpoint.columns:
            return None
        since = state.get(validity.SINCE)
        return since and bookmarks.earliest(since, self.run.connection.zone)

    def wanted(self, rows: list[Row], here: Partition) -> list[Row]:
        """Those of the rows that can be told apart and are not too old."""
        rows = self.keyed(rows, here.division)
        since = self.oldest(here.state)
        if since is None:
            return rows
        return [row for row in rows if (row[self.plan.stamp] or since) >= since]

    @property
    def selected_columns(self) -> list[Property]:
        """The columns that are selected, with the key and the bookmark always among them."""
        needed = self._needed_columns
        return [
            item
            for name, item in self.plan.columns.items()
            if name in needed or self.mask.get(("properties", name), True)
        ]

    @property
    def _needed_columns(self) -> set[str]:
        """Those that a record is not complete without: its key, and what tells when it changed."""
        needed = {*self.plan.primary_keys, *filter(None, [self.plan.bookmark])}
        return {*needed, self.plan.stamp} if self.plan.bookmark == TIMESTAMP else needed

    @property
    def asked_columns(self) -> list[str]:
        """Those of the selected columns that the endpoint gives."""
        known = self.plan.endpoint.columns
        return [item.name for item in self.selected_columns if item.name in known]

    @property
    def keeps_unknown(self) -> bool:
        """Whether a record holds the fields that the catalogue does not know."""
        return self._may_keep and self.mask.get(("properties", UNKNOWN_FIELDS), True)

    @property
    def sends_select(self) -> bool:
        """Whether Exact is told which columns are wanted."""
        return True

    def decoder(self, here: Partition) -> Callable[[Row], Row]:
        """A function that makes a record of a row of the API.

        A column that was asked for and does not come is left out: an upsert keeps its value.
        """
        decode = self._decoder(self.selected_columns, self.note(here.division))
        complete, keeps_unknown = self._has_division, self.keeps_unknown
        asked = {*self.asked_columns} - self._needed_columns if self.sends_select else set()

        def record(row: Row) -> Row:
            result = decode(row)
            if result is not row:
                for name in asked - row.keys():
                    del result[name]
                    out = {name, *here.state.get(validity.LEFT_OUT, ())}
                    here.state[validity.LEFT_OUT] = sorted(out)
            unknown = self._watch.unknown(row)
            if keeps_unknown:
                result[UNKNOWN_FIELDS] = unknown
            if not complete or result.get(DIVISION.name) is None:
                result[DIVISION.name] = here.division
            return result

        return record

    def columns_decoder(self, names: Iterable[str]) -> Callable[[Row], Row]:
        """A function that decodes these columns of the list alone, and notes nothing."""
        columns = [self.plan.endpoint.columns[name] for name in names]
        return self._decoder(columns, lambda *_: None)

    def _decoder(self, columns: list[Property], note: decoding.Note) -> Callable[[Row], Row]:
        key, zone = self.plan.stream.key, self.run.connection.zone
        return decoding.decoder(columns, zone, key, note)

    def keyed(self, rows: list[Row], division: int) -> list[Row]:
        """Those of the rows that can be told apart."""
        known = self.plan.endpoint.columns
        # A column of the key that the endpoint does not give is told by the call itself.
        key = [name for name in key_diff.key(self.plan) if name in known]
        return decoding.keyed(rows, key, self.note(division))

    def note(self, division: int) -> decoding.Note:
        """What notes that something of a row could not be read."""
        return partial(self.run.unreadable.note, self.name, division)

    @property
    def _has_division(self) -> bool:
        return DIVISION.name in self.plan.endpoint.columns

    @property
    def _tells_deletes(self) -> bool:
        """Whether a tombstone is sent for what the log tells."""
        return self._reads_log and self.selected

    def read_log(self, division: int) -> None:
        """See now what was deleted in a division, if that is told later on."""
        if self._tells_deletes:
            self.run.deleted_logs.of(division)

    def _deleted(self, here: Partition) -> Iterator[Batch]:
        """A tombstone for every row that was deleted since the last run."""
        if not self._tells_deletes:
            return
        log, told = self.run.deleted_logs.of(here.division), self.run.deleted_logs.watermarks
        position = here.state.get(validity.DELETES_READ)
        place = None if position is None else validity.place_of(here.state)
        # A stream that is read from its beginning sends no row whose key is not noted.
        is_new = position is None and not here.state.get("replication_key_value")
        if position is not None:
            yield from here.batches(self._tombstones(log, position, here.division))
        here.state[validity.DELETES_READ] = max(log.end, position or 0)
        if log.read_at is not None:
            here.state[validity.DELETES_READ_AT] = log.read_at
        # Before the first row: whatever becomes of the state, the next load knows from here on
        # which rows may have been deleted.
        place_now = place or validity.place_of(here.state)
        told.note(
            here.division, self.name, place_now._replace(keys_since=log.end if is_new else None)
        )
        if place is None:
            yield here.batch()

    def _tombstones(self, log: DeletedLog, position: int, division: int) -> Iterator[Row]:
        key, kind = self.plan.stream.key[0], self.plan.stream.deleted_type or 0
        deletions = log.since(position, kind)
        if self._siblings:
            place = self.run.deleted_logs.watermarks.places(division).get(self.name)
            deletions = self._shared_log(division).own(deletions, place and place.keys_since)
        for item in deletions:
            yield {key: item.key, DIVISION.name: division, DELETED_AT: item.deleted_at}

    def remember(self, division: int, rows: list[Row]) -> None:
        """Note the keys of rows that are about to be sent, where the log may not tell whose."""
        if self._siblings:
            key = self.plan.stream.key[0]
            keys = [row[key] for row in rows if not row.get(DELETED_AT)]
            self._shared_log(division).note(keys)

    def _shared_log(self, division: int) -> deletes.SharedLog:
        return deletes.SharedLog(self.run.connection, division, self.name, self._siblings)
