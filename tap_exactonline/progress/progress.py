"""How far a run is: lines in the log, figures for whoever measures, or a table on a terminal."""

from __future__ import annotations

import enum
import logging
import os
import sys
import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from singer_sdk import metrics

from tap_exactonline.progress.status import Line

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from exactonline_client.http.rate_limit import Budget
    from exactonline_client.http.session import Usage

logger = logging.getLogger(__name__)

MINUTE = 60.0
FRAME = 0.25
"""Seconds between two pictures on a terminal."""


class Progress:
    """Counts the rows of a run, and tells how it goes."""

    def __init__(
        self, usage: Usage, budget: Budget, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`clock` is in seconds, from any start."""
        self.expected: Mapping[tuple[int, str], int] = {}
        """By division and stream, the rows that will probably come."""
        self.show: Callable[[Sequence[Line]], None] | None = None
        """Draws the lines on a terminal; where it is None they are logged."""
        self._usage, self._budget, self._clock = usage, budget, clock
        self._told_at = clock()
        self.begin("")

    def begin(self, stream: str) -> None:
        """A stream is about to be read."""
        self._stream = stream
        self.rows: Counter[int] = Counter()
        """By division, those that are out."""
        self._began_at: dict[int, float] = {}

    def add(self, division: int, rows: int) -> None:
        """So many more rows of a division are out."""
        self._began_at.setdefault(division, self._clock())
        self.rows[division] += rows

    def tick(self, divisions: Collection[int]) -> None:
        """These divisions are being read: tell it, if it is time."""
        now = self._clock()
        for division in divisions:
            self._began_at.setdefault(division, now)
        if now - self._told_at < (MINUTE if self.show is None else FRAME):
            return
        self._told_at = now
        lines = [self._line(division) for division in sorted(divisions)]
        if self.show is not None:
            self.show(lines)
            return
        for line in lines:
            _log(line)

    def _line(self, division: int) -> Line:
        rows = self.rows[division]
        return Line(
            division,
            self._stream,
            rows,
            self._usage.calls.get(division, 0),
            self._budget.left_today.get(division),
            self._budget.waits.get(division, 0.0),
            self._to_go(division, rows),
        )

    def _to_go(self, division: int, rows: int) -> float | None:
        expected = self.expected.get((division, self._stream))
        if expected is None or not 0 < rows <= expected:
            return None
        # A division may have waited for others to be read first.
        taken = self._clock() - self._began_at[division]
        return taken * (expected - rows) / rows


def _log(line: Line) -> None:
    left = "" if line.left is None else f", {line.left} left today"
    to_go = "" if line.to_go is None else f", {line.to_go:.0f} s to go"
    logger.info(
        "Division %s: %s, %d rows, %d calls%s, waited %.0f s%s",
        line.division,
        line.stream,
        line.rows,
        line.calls,
        left,
        line.waited,
        to_go,
        extra={
            "stream_name": line.stream,
            "division": line.division,
            "rows": line.rows,
            "calls": line.calls,
            "calls_left": line.left,
            "waited_seconds": round(line.waited, 1),
            "seconds_to_go": None if line.to_go is None else round(line.to_go),
        },
    )


class Figure(str, enum.Enum):
    """What the SDK has no metric for."""

    WAITED = "call_limit_wait"
    RETRIES = "http_retry_count"


def measure(usage: Usage, budget: Budget) -> None:
    """Log the figures of a run as the SDK logs its own: calls by endpoint, waits, retries."""
    calls: Counter[str] = Counter()
    for (_, endpoint), count in usage.calls_by_endpoint.items():
        calls[endpoint] += count
    points = [
        metrics.Point(
            "counter", metrics.Metric.HTTP_REQUEST_COUNT, count, {metrics.Tag.ENDPOINT: endpoint}
        )
        for endpoint, count in sorted(calls.items())
    ]
    points.append(metrics.Point("counter", Figure.RETRIES, usage.retries))  # type: ignore[arg-type]
    waited = round(budget.waited, 1)
    points.append(metrics.Point("timer", Figure.WAITED, waited))  # type: ignore[arg-type]
    for point in points:
        metrics.log(metrics.get_metrics_logger(), point)


@contextmanager
def on_terminal(progress: Progress) -> Iterator[None]:
    """Show the progress while a person looks on; the log scrolls above it."""
    watched = sys.stderr.isatty() and not sys.stdout.isatty()
    if not watched or "MELTANO_PROJECT_ROOT" in os.environ:
        yield
        return
    # Most runs have nobody who looks on, and drawing takes long to import.
    from tap_exactonline.progress.screen import screen  # noqa: PLC0415

    with screen() as draw:
        progress.show = draw
        try:
            yield
        finally:
            progress.show = None
