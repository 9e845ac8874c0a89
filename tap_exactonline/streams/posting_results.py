"""Stream of the target's posting results, read from the store; makes no API call."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from singer_sdk import Stream
from typing_extensions import override

from tap_exactonline.definitions import names
from tap_exactonline.definitions.schema import INSTANT
from tap_exactonline.state import inputs
from tap_exactonline.state.bookmarks import PARTITION

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from singer_sdk import Tap
    from singer_sdk.singerlib import Catalog

    from exactonline_client.store.postings import Posting
    from tap_exactonline.readers.run import Run

    Context = Mapping[str, Any]
    Row = dict[str, Any]

NAME = "posting_results"
KEY = ("Division", "entity", "reference")
SETTLING_TIME = timedelta(minutes=1)
"""Age up to which rows are read again: a target on another machine may be writing concurrently."""

UNPUBLISHED = ("app", "payload_hash", "revision")
"""Columns of a posting that only the target needs."""


def _nullable(**facts: str) -> dict[str, Any]:
    return {**facts, "type": [facts["type"], "null"]}


TEXT = {"type": "string"}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "Division": {"type": "integer"},
        "entity": {**TEXT, "description": "The endpoint that was written to."},
        "reference": {**TEXT, "description": "The user's own; begins with # where there is none."},
        "stream": {**TEXT, "description": "The stream that the target was sent."},
        "outcome": TEXT,
        "exact_id": _nullable(**TEXT, description="The document's key at Exact Online."),
        "number": _nullable(**TEXT, description="The document's number, where it has one."),
        "reason": _nullable(**TEXT),
        "finalized": _nullable(**TEXT, description="How far the finalising of an invoice is."),
        "sent_at": _nullable(**INSTANT),
        "at": {**INSTANT, "description": "When this became its outcome."},
    },
}


class PostingResults(Stream):
    """Journal of the target, in the store that tap and target share."""

    name = NAME
    replication_key = "at"
    selected_by_default = False
    is_sorted = True
    check_sorted = False  # times may repeat, or go back with the clock

    def __init__(self, tap: Tap, run: Run) -> None:
        """Make a stream of `tap`."""
        self.run = run
        style = run.context.config.get(names.SETTING)
        self._names = names.by_exact_name(NAME, SCHEMA["properties"], style)
        columns = {self._names[name]: facts for name, facts in SCHEMA["properties"].items()}
        super().__init__(tap, schema={**SCHEMA, "properties": columns})
        self.primary_keys = [self._names[name] for name in KEY]

    @override
    def apply_catalog(self, catalog: Catalog) -> None:
        """Apply the input catalog, which may be older than this version."""
        needed = {*(self._names[name] for name in KEY), "at"}
        entry = catalog.get_stream(self.name)
        inputs.rename_columns(entry, self._names)
        inputs.align_columns(entry, self.schema, needed)
        super().apply_catalog(catalog)

    @property
    @override
    def partitions(self) -> list[dict[str, Any]]:
        return [{PARTITION: division} for division in self.run.divisions.all]

    @override
    def generate_child_contexts(self, record: Row, context: Context | None) -> Iterable[None]:
        """No contexts: the stream has no children. Removes the SDK's partition column."""
        record.pop(PARTITION, None)
        return ()

    @override
    def get_records(self, context: Context | None) -> Iterator[Row]:
        """Yield the postings of one division that changed since the last run."""
        # Discovery needs no store, and SQLAlchemy is slow to import.
        from exactonline_client.store import postings  # noqa: PLC0415

        division = context[PARTITION] if context else self.run.divisions.current
        start = self.get_starting_timestamp(context)
        connection = self.run.connection
        changed = postings.changed_since(
            connection.store,
            connection.app.key,
            division,
            start.timestamp() if start else None,
        )
        yield from map(_record, changed)

    @override
    def _write_record_message(self, record: Row) -> None:
        self.run.context.stop.check()
        super()._write_record_message({self._names[name]: record[name] for name in record})

    @override
    def _increment_stream_state(self, latest_record: Row, *, context: Any = None) -> None:
        bookmark = min(latest_record["at"], _iso(self.run.context.started_at - SETTLING_TIME))
        super()._increment_stream_state({**latest_record, "at": bookmark}, context=context)


def _record(posting: Posting) -> Row:
    row = {name: value for name, value in asdict(posting).items() if name not in UNPUBLISHED}
    row["outcome"] = posting.outcome.value
    times = {name: _iso_or_none(row[name]) for name in ("sent_at", "at")}
    return {"Division": row.pop("division"), **row, **times}


def _iso_or_none(seconds: float | None) -> str | None:
    return None if seconds is None else _iso(datetime.fromtimestamp(seconds, timezone.utc))


def _iso(time: datetime) -> str:
    """ISO 8601 text of fixed length, so that texts sort like times."""
    return time.isoformat(timespec="microseconds")
