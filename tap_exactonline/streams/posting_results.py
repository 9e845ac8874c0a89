"""The stream of what became of the documents that the target wrote; it asks Exact nothing."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import Stream
from typing_extensions import override

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
SETTLED = timedelta(minutes=1)
"""What is younger is read again next time: a target on another machine may be writing just now."""


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
    """The journal of the target in the store that it shares with the tap."""

    name = NAME
    schema: ClassVar[dict[str, Any]] = SCHEMA
    primary_keys: ClassVar[tuple[str, ...]] = ("Division", "entity", "reference")
    replication_key = "at"
    selected_by_default = False
    is_sorted = True
    check_sorted = False  # a bookmark may stand still, or go back with the clock

    def __init__(self, tap: Tap, run: Run) -> None:
        """A stream of `tap` that is read in `run`."""
        self.run = run
        super().__init__(tap)

    @override
    def apply_catalog(self, catalog: Catalog) -> None:
        """Take over what the user's catalog says, which may be older than this version."""
        needed = {*self.primary_keys, "at"}
        inputs.fit(catalog.get_stream(self.name), self.schema, needed)
        super().apply_catalog(catalog)

    @property
    @override
    def partitions(self) -> list[dict[str, Any]]:
        return [{PARTITION: division} for division in self.run.divisions.all]

    @override
    def generate_child_contexts(self, record: Row, context: Context | None) -> Iterable[None]:
        """It has no children; and the partition's name is no column."""
        record.pop(PARTITION, None)
        return ()

    @override
    def get_records(self, context: Context | None) -> Iterator[Row]:
        """What changed in one division since the last run."""
        # Discovery needs no store, and the database library takes long to import.
        from exactonline_client.store import postings  # noqa: PLC0415

        division = context[PARTITION] if context else self.run.divisions.current
        start = self.get_starting_timestamp(context)
        connection = self.run.connection
        found = postings.changed_since(
            connection.store,
            connection.app.key,
            division,
            start.timestamp() if start else None,
        )
        yield from map(_record, found)

    @override
    def _write_record_message(self, record: Row) -> None:
        self.run.context.stop.check()
        super()._write_record_message(record)

    @override
    def _increment_stream_state(self, latest_record: Row, *, context: Any = None) -> None:
        reached = min(latest_record["at"], _text(self.run.context.started_at - SETTLED))
        super()._increment_stream_state({**latest_record, "at": reached}, context=context)


def _record(posting: Posting) -> Row:
    row = asdict(posting)
    del row["app"]
    moments = {name: _moment(row[name]) for name in ("sent_at", "at")}
    return {"Division": row.pop("division"), **row, **moments}


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else _text(datetime.fromtimestamp(seconds, timezone.utc))


def _text(moment: datetime) -> str:
    """As ISO text of one length, so that texts compare as their moments do."""
    return moment.isoformat(timespec="microseconds")
