"""What became of every record of a run: counted, told, and written to a file if asked."""

from __future__ import annotations

import json
import logging
import os
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timezone
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING

from exactonline_client.errors import ConfigurationError, RecordsRejected
from target_exactonline.results import discretion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

logger = logging.getLogger(__name__)

CREATED, UPDATED, DELETED = "created", "updated", "deleted"
EXISTS, UNCHANGED, SKIPPED = "exists", "unchanged", "skipped"
REJECTED, IN_DOUBT = "rejected", "in_doubt"
POSTING = "posting"
"""Not the end of anything: what the journal says of a document while it is being sent."""
WOULD_CREATE, WOULD_UPDATE, WOULD_DELETE = "would_create", "would_update", "would_delete"
WOULD_SKIP, WOULD_REJECT = "would_skip", "would_reject"
FAILED = (REJECTED, IN_DOUBT)
WRITTEN = (CREATED, UPDATED, DELETED)
WOULD = {
    CREATED: WOULD_CREATE,
    UPDATED: WOULD_UPDATE,
    DELETED: WOULD_DELETE,
    SKIPPED: WOULD_SKIP,
    REJECTED: WOULD_REJECT,
}
"""What a dry run says in place of an outcome; the others it can find out for certain."""
TOLD = {REJECTED: " was rejected", WOULD_REJECT: " would be rejected", IN_DOUBT: " is in doubt"}
"""What the log says of a record, before the reason."""


def joined(*reasons: str | None) -> str | None:
    """Reasons as one; None where there is none."""
    return "; ".join(reason for reason in reasons if reason) or None


@dataclass(frozen=True)
class Fate:
    """What became of a document, under which key and number it is at Exact Online, and why."""

    outcome: str
    exact_id: str | None = None
    number: str | None = None
    reason: str | None = None
    """For the log as well, which hides the values of the record in it."""
    detail: str | None = None
    """What the reason is about, with values of the record; for the results alone."""
    payload_hash: str = ""
    """Of the document that Exact Online now holds, or that need not be tried again."""
    kept_reference: str | None = None
    """How Exact Online keeps its reference, where that was seen; empty where it keeps none."""
    unfinished: bool = False
    """Whether it is there, but not all that was to be done with it: a person has to look."""

    @property
    def failed(self) -> bool:
        """Whether it did not end as the record and the settings ask."""
        return self.unfinished or self.outcome in (*FAILED, WOULD_REJECT)


@dataclass(frozen=True)
class Result:
    """What became of one record."""

    stream: str
    entity: str
    """Id of the endpoint."""
    reference: str
    fate: Fate
    private: Callable[[], Iterable[str]] = tuple
    """The values that its reason may quote, and the log must not."""


class Results:
    """The results of one run in one division."""

    def __init__(
        self, division: int, path: str | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        """`path` is a file to append JSON lines to, one for each record.

        Raises:
            ConfigurationError: the file cannot be written.
        """
        self.counts: Counter[str] = Counter()
        self.failed = 0
        """Records that did not end as they ask, see `Fate.failed`."""
        self.unwritten: ConfigurationError | None = None
        """Why the file lacks results, if it does."""
        self._division = division
        self._clock = clock
        self._path = path
        self._open = ExitStack()
        self._file = self._append_to(path) if path else None

    def _append_to(self, path: str) -> FileIO:
        try:
            # With a buffer, what could not be written would be tried again when it is closed.
            file = self._open.enter_context(FileIO(path, "a", opener=_owner_only))
            if _breaks_off(path):
                file.write(b"\n")
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"Setting results_path: {path} cannot be written "
                f"({getattr(error, 'strerror', None) or error})."
            ) from None
        return file

    def note(self, result: Result) -> None:
        """Count a result, log what there is to say of it, and write its line."""
        fate = result.fate
        self.counts[fate.outcome] += 1
        self.failed += fate.failed
        if fate.failed or fate.reason:
            level = logging.ERROR if fate.failed else logging.WARNING
            told, reason = TOLD.get(fate.outcome, ""), (fate.reason or "").rstrip(".")
            reason = discretion.without(reason, result.private(), result.reference)
            logger.log(level, "%s: record %s%s: %s.", result.stream, result.reference, told, reason)
        if not self._file:
            return
        moment = datetime.fromtimestamp(self._clock(), timezone.utc)
        line = {
            "at": moment.isoformat(timespec="milliseconds"),
            "stream": result.stream,
            "division": self._division,
            "reference": result.reference,
            "outcome": fate.outcome,
            "exact_id": fate.exact_id,
            "number": fate.number,
            "reason": joined(fate.reason, fate.detail),
        }
        text = json.dumps(line, ensure_ascii=False) + "\n"
        self._write(self._file, text.encode(errors="backslashreplace"))

    def _write(self, file: FileIO, line: bytes) -> None:
        """Write a line; where that fails, the run goes on without the file.

        What was done is in the store by then, and documents that are on their way must be noted.
        """
        try:
            while line:
                line = line[file.write(line) :]
        except OSError as error:
            self._file = None
            self.unwritten = ConfigurationError(
                f"Setting results_path: {self._path} cannot be written any further "
                f"({error.strerror}). Make room, or name another file. No result is lost: "
                "exactonline results shows those of this run as well."
            )
            logger.error("%s", self.unwritten)  # noqa: TRY400 - one line, no traceback

    def report(self, result: Result, most_failures: int | None) -> None:
        """Note a result; end the run where it is the last failure that is allowed.

        Raises:
            RecordsRejected: that many records did not end as they ask.
        """
        self.note(result)
        if result.fate.failed and self.failed == most_failures:
            raise RecordsRejected(
                f"Stopped at {self.failed} rejected records, as on_error and max_errors ask. What "
                "came before was written."
            )

    def summary(self) -> str:
        """One line for the log."""
        counts = self.counts
        if any(counts[outcome] for outcome in WOULD.values()):
            parts = [
                f"{counts[WOULD_CREATE]} would be created",
                f"{counts[EXISTS]} already there",
                *_said(counts[UNCHANGED], "unchanged"),
                *_said(counts[WOULD_UPDATE], "would be updated"),
                *_said(counts[WOULD_DELETE], "would be deleted"),
                *_said(counts[WOULD_SKIP], "would be skipped"),
                f"{counts[WOULD_REJECT]} would be rejected",
                *_said(counts[IN_DOUBT], "in doubt"),
            ]
            return f"Division {self._division}: {', '.join(parts)}. Nothing was written."
        parts = [
            f"{counts[CREATED]} created",
            f"{counts[EXISTS]} already there",
            *_said(counts[UNCHANGED], "unchanged"),
            *_said(counts[UPDATED], "updated"),
            *_said(counts[DELETED], "deleted"),
            *_said(counts[SKIPPED], "skipped"),
            f"{counts[REJECTED]} rejected",
            f"{counts[IN_DOUBT]} in doubt",
        ]
        return f"Division {self._division}: {', '.join(parts)}."

    def close(self) -> None:
        """Close the file."""
        try:
            self._open.close()
        except OSError as error:
            logger.warning("%s may lack the last results (%s).", self._path, error.strerror)


def _breaks_off(path: str) -> bool:
    """Whether the last line of a file was cut off while it was written."""
    file = Path(path)
    if not file.is_file() or not file.stat().st_size:
        return False
    with file.open("rb") as opened:
        opened.seek(-1, os.SEEK_END)
        return opened.read() != b"\n"


def _owner_only(path: str, flags: int) -> int:
    """Open a file that, where it is new, only its owner may read."""
    return os.open(path, flags, 0o600)


def _said(count: int, words: str) -> list[str]:
    """Part of the summary, where there is anything to say."""
    return [f"{count} {words}"] if count else []
