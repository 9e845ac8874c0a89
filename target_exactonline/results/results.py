"""The results of a run: outcomes of records, counted, logged, and written to a file."""

from __future__ import annotations

import json
import logging
import os
import time
from collections import Counter
from contextlib import ExitStack
from datetime import datetime, timezone
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING

from exactonline_client.errors import ConfigurationError, RecordsRejected
from exactonline_client.store.outcomes import WOULD, Status
from target_exactonline.results import discretion
from target_exactonline.results.outcome import joined

if TYPE_CHECKING:
    from collections.abc import Callable

    from target_exactonline.results.outcome import Result

logger = logging.getLogger(__name__)

IN_LOG = {
    Status.REJECTED: " was rejected",
    Status.WOULD_REJECT: " would be rejected",
    Status.IN_DOUBT: " is in doubt",
}
"""Text of the log by outcome, in front of the reason."""


class Results:
    """The results of one run in one division."""

    def __init__(
        self, division: int, path: str | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        """`path` is a file to append JSON lines to, one for each record.

        Raises:
            ConfigurationError: the file cannot be written.
        """
        self.counts: Counter[Status] = Counter()
        self.failed = 0
        """Number of records that failed, see `Outcome.failed`."""
        self.listeners: list[Callable[[Result], None]] = []
        """Called with each result, with the values of its record."""
        self.unwritten: ConfigurationError | None = None
        """Error after which the file lacks results."""
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
        """Count a result, log its reason, and write its line."""
        outcome = result.outcome
        self.counts[outcome.status] += 1
        self.failed += outcome.failed
        for listener in self.listeners:
            listener(result)
        if outcome.failed or outcome.reason:
            level = logging.ERROR if outcome.failed else logging.WARNING
            text, reason = IN_LOG.get(outcome.status, ""), (outcome.reason or "").rstrip(".")
            reason = discretion.without(reason, result.private(), result.reference)
            logger.log(level, "%s: record %s%s: %s.", result.stream, result.reference, text, reason)
        if not self._file:
            return
        now = datetime.fromtimestamp(self._clock(), timezone.utc)
        line = {
            "at": now.isoformat(timespec="milliseconds"),
            "stream": result.stream,
            "division": self._division,
            "reference": result.reference,
            "outcome": outcome.status.value,
            "exact_id": outcome.exact_id,
            "number": outcome.number,
            "reason": joined(outcome.reason, outcome.detail),
        }
        text = json.dumps(line, ensure_ascii=False) + "\n"
        self._write(self._file, text.encode(errors="backslashreplace"))

    def _write(self, file: FileIO, line: bytes) -> None:
        """Write a line; if that fails, continue without the file.

        The store has all results, and documents that were sent must be noted there.
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
        """Note a result; end the run if it is the last failure that is allowed.

        Raises:
            RecordsRejected: that many records failed.
        """
        self.note(result)
        if result.outcome.failed and self.failed == most_failures:
            raise RecordsRejected(
                f"Stopped at {self.failed} rejected records, as on_error and max_errors ask. What "
                "came before was written."
            )

    def summary(self) -> str:
        """Make one line for the log."""
        counts = self.counts
        if any(counts[status] for status in WOULD.values()):
            parts = [
                f"{counts[Status.WOULD_CREATE]} would be created",
                f"{counts[Status.EXISTS]} already there",
                *_counted(counts[Status.UNCHANGED], "unchanged"),
                *_counted(counts[Status.WOULD_UPDATE], "would be updated"),
                *_counted(counts[Status.WOULD_DELETE], "would be deleted"),
                *_counted(counts[Status.WOULD_SKIP], "would be skipped"),
                f"{counts[Status.WOULD_REJECT]} would be rejected",
                *_counted(counts[Status.IN_DOUBT], "in doubt"),
            ]
            return f"Division {self._division}: {', '.join(parts)}. Nothing was written."
        parts = [
            f"{counts[Status.CREATED]} created",
            f"{counts[Status.EXISTS]} already there",
            *_counted(counts[Status.UNCHANGED], "unchanged"),
            *_counted(counts[Status.UPDATED], "updated"),
            *_counted(counts[Status.DELETED], "deleted"),
            *_counted(counts[Status.SKIPPED], "skipped"),
            f"{counts[Status.REJECTED]} rejected",
            f"{counts[Status.IN_DOUBT]} in doubt",
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
    """Open a file; a new one only its owner may read."""
    return os.open(path, flags, 0o600)


def _counted(count: int, words: str) -> list[str]:
    """Make a part of the summary; none for a count of 0."""
    return [f"{count} {words}"] if count else []
