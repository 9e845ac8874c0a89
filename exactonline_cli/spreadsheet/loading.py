"""Hand documents to the target, which looks for them, writes each once, and keeps the journal."""

from __future__ import annotations

from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from exactonline_cli import documents_at_exact
from exactonline_cli.output import quiet
from exactonline_cli.spreadsheet import headers
from exactonline_cli.spreadsheet.model import record
from exactonline_client.errors import RecordsRejected

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from exactonline_cli.spreadsheet.model import Document
    from target_exactonline.schema.entities import Entity
    from target_exactonline.target import TargetExactOnline

PROGRAM = "exactonline import"
YOUR_REF = "YourRef"
_encode = msgspec.json.Encoder(decimal_format="number").encode


@dataclass(frozen=True)
class Loaded:
    """What became of one document."""

    outcome: str
    exact_id: str | None
    link: str | None
    """Where the API has it."""
    number: str | None
    reason: str | None
    failed: bool


@contextmanager
def opened(config: Mapping[str, Any]) -> Iterator[TargetExactOnline]:
    """A target with some settings, closed at the end; a request to stop ends it in peace."""
    # They take long to import.
    from exactonline_client.plugin.start import readable_configuration_errors  # noqa: PLC0415
    from target_exactonline.target import TargetExactOnline  # noqa: PLC0415

    with readable_configuration_errors():
        target = TargetExactOnline(config=dict(config))
    with closing(target), target.stop.ending_as_stopped():
        yield target


def load(
    target: TargetExactOnline,
    entity: Entity,
    documents: Iterable[Document],
    found: dict[int, Loaded],
) -> None:
    """Load documents; a refused one stops no other.

    Args:
        target: with `dry_run`, nothing is written.
        entity: what the documents are.
        documents: without problems.
        found: takes what became of each, by its first row; also of those before an error.

    Raises:
        DailyLimitReached: not all were looked at.
        The errors of the target, other than that records were rejected.
    """
    rows: dict[str, int] = {}
    same: dict[Loaded, Loaded] = {}

    def note(result: Any) -> None:  # noqa: ANN401 - a result of the target
        row = rows.get(result.reference)
        if row is not None and result.stream == entity.stream:
            outcome = result.outcome
            loaded = Loaded(
                outcome.status.value,
                outcome.exact_id,
                _link(target, entity, outcome.exact_id),
                outcome.number,
                outcome.reason,
                outcome.failed,
            )
            # In a dry run most are equal.
            found[row] = same.setdefault(loaded, loaded) if outcome.exact_id is None else loaded

    target.run.results.listeners.append(note)
    # Rejected documents are reported by row instead.
    with (
        target.run.connection.noted_run(PROGRAM),
        quiet("target_exactonline"),
        suppress(RecordsRejected),
    ):
        # It reads the messages one by one.
        target.listen(_messages(entity, documents, rows))  # type: ignore[arg-type]
    if target.run.halted:
        raise target.run.halted


def _messages(entity: Entity, documents: Iterable[Document], rows: dict[str, int]) -> Iterator[str]:
    """Documents as Singer messages; `rows` takes the first row of each by its reference."""
    collection = headers.lines_of(entity)
    reference_field = entity.reference_field(YOUR_REF)
    schema = {"type": "SCHEMA", "stream": entity.stream, "schema": {"properties": {}}}
    yield _encode(schema).decode()
    for document in documents:
        rows[document.reference or ""] = document.row
        content = record(document, collection.name if collection else None, reference_field)
        message = {"type": "RECORD", "stream": entity.stream, "record": content}
        yield _encode(message).decode()


def _link(target: TargetExactOnline, entity: Entity, key: str | None) -> str | None:
    if key is None:
        return None
    base = target.run.connection.session.base_url
    return documents_at_exact.address(base, target.run.division, entity.endpoint.id, key)
