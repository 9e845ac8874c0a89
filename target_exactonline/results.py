"""What became of every record: counted, kept in the store, and written to a file if asked."""

from __future__ import annotations

import json
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, TextIO

import sqlalchemy as sa

from exactonline_client.errors import ConfigurationError
from exactonline_client.store import results

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from exactonline_client.store import Store

CREATED, EXISTS, UNCHANGED = "created", "exists", "unchanged"
REJECTED, IN_DOUBT = "rejected", "in_doubt"
FAILED = (REJECTED, IN_DOUBT)
LONGEST_REFERENCE = 200
"""Characters of a reference that the store can hold."""
QUERY_SIZE = 500
"""References in one query of the store."""


@dataclass(frozen=True)
class Fate:
    """What became of a document, under which key it is at Exact Online, and why."""

    outcome: str
    exact_id: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Result:
    """What became of one record."""

    stream: str
    entity: str
    """Id of the endpoint."""
    reference: str | None
    payload_hash: str
    fate: Fate


@dataclass(frozen=True)
class Known:
    """What the store knows of a reference: its last outcome, and the document made from it."""

    outcome: str
    exact_id: str | None
    payload_hash: str

    def settled(self, payload_hash: str) -> bool:
        """Whether a document of this very content is known to be at Exact Online."""
        return self._made and self.payload_hash == payload_hash

    def differs(self, payload_hash: str) -> bool:
        """Whether a document of other content is known to be at Exact Online."""
        return self._made and self.payload_hash != payload_hash

    @property
    def _made(self) -> bool:
        return self.exact_id is not None and self.outcome != IN_DOUBT

    @property
    def repeated(self) -> str:
        """The outcome of a settled record that comes again."""
        return EXISTS if self.outcome in FAILED else UNCHANGED


class Results:
    """The results of one division."""

    def __init__(
        self,
        store: Store,
        app: str,
        division: int,
        path: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`path` is a file to append JSON lines to, one for each record.

        Raises:
            ConfigurationError: the file cannot be written.
        """
        self.counts: Counter[str] = Counter()
        self._store = store
        self._app = app
        self._division = division
        self._clock = clock
        self._open = ExitStack()
        self._file = self._append_to(path) if path else None

    def _append_to(self, path: str) -> TextIO:
        try:
            return self._open.enter_context(open(path, "a", encoding="utf-8"))  # noqa: PTH123
        except OSError as error:
            raise ConfigurationError(
                f"Setting results_path: {path} cannot be written ({error.strerror})."
            ) from None

    @property
    def failed(self) -> int:
        """Records that were rejected or are in doubt."""
        return sum(self.counts[outcome] for outcome in FAILED)

    def known(self, entity: str, references: Sequence[str]) -> dict[str, Known]:
        """What earlier runs, and this one, left in the store about these references."""
        found = {}
        for query in self._queries(entity, references):
            with self._store.transaction() as connection:
                for row in connection.execute(query):
                    found[row.reference] = Known(row.outcome, row.exact_id, row.payload_hash)
        return found

    def _queries(self, entity: str, references: Sequence[str]) -> Iterator[sa.Select[Any]]:
        for start in range(0, len(references), QUERY_SIZE):
            asked = results.c.reference.in_(references[start : start + QUERY_SIZE])
            yield sa.select(results).where(self._mine(entity), asked)

    def _mine(self, entity: str) -> sa.ColumnElement[bool]:
        return sa.and_(
            results.c.app == self._app,
            results.c.division == self._division,
            results.c.entity == entity,
        )

    def note(self, result: Result) -> None:
        """Count a result and make it durable."""
        fate = result.fate
        self.counts[fate.outcome] += 1
        self.keep(result)
        if self._file:
            moment = datetime.fromtimestamp(self._clock(), timezone.utc)
            line = {
                "at": moment.isoformat(timespec="milliseconds"),
                "stream": result.stream,
                "division": self._division,
                "reference": result.reference,
                **asdict(fate),
            }
            self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
            self._file.flush()

    def keep(self, result: Result) -> None:
        """Make a result durable in the store.

        What was created stays on record, whatever becomes of later records with its reference.
        """
        fate = result.fate
        if result.reference is None or fate.outcome == UNCHANGED:
            return
        key = {
            "app": self._app,
            "division": self._division,
            "entity": result.entity,
            "reference": result.reference,
        }
        outcome = {"outcome": fate.outcome, "reason": fate.reason, "at": self._clock()}
        document = {"exact_id": fate.exact_id, "payload_hash": result.payload_hash}
        mine = self._mine(result.entity) & (results.c.reference == result.reference)
        with self._store.transaction() as connection:
            row = connection.execute(sa.select(results.c.exact_id).where(mine)).one_or_none()
            if row is None:
                connection.execute(results.insert().values(**key, **outcome, **document))
                return
            if row.exact_id is None or fate.outcome == CREATED:
                outcome |= document
            connection.execute(results.update().where(mine).values(**outcome))

    def summary(self) -> str:
        """One line for the log."""
        counts = self.counts
        return (
            f"Division {self._division}: {counts[CREATED]} created, "
            f"{counts[EXISTS] + counts[UNCHANGED]} already there, "
            f"{counts[REJECTED]} rejected, {counts[IN_DOUBT]} in doubt."
        )

    def close(self) -> None:
        """Close the file."""
        self._open.close()
