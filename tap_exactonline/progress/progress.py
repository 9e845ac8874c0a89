"""Report the progress of a run: a log line per minute and division, metrics, or a table."""

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

from tap_exactonline.progress.status import DivisionStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from exactonline_client.http.rate_limit import Budget
    from exactonline_client.http.session import Usage

logger = logging.getLogger(__name__)

MINUTE = 60.0
FRAME = 0.25
"""Seconds between two updates of the table."""


class Progress:
    """Count the rows of a run, and report them at intervals."""

    def __init__(
        self, usage: Usage, budget: Budget, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Start at zero rows; `clock` is monotonic, in seconds."""
        self.expected: Mapping[tuple[int, str], int] = {}
        """Expected rows by division and stream."""
        self.draw: Callable[[Sequence[DivisionStatus]], None] | None = None
        """Draws the table on a terminal; None to log lines."""
        self._usage, self._budget, self._clock = usage, budget, clock
        self._reported_at = clock()
        self.begin("")

    def begin(self, stream: str) -> None:
        """Start counting for a stream."""
        self._stream = stream
        self.rows: Counter[int] = Counter()
        """Rows of the stream by division."""
        self._began_at: dict[int, float] = {}

    def add(self, division: int, rows: int) -> None:
        """Add rows of a division."""
        self._began_at.setdefault(division, self._clock())
        self.rows[division] += rows

    def tick(self, divisions: Collection[int]) -> None:
        """Report the divisions that are being read, if a report is due."""
        now = self._clock()
        for division in divisions:
            self._began_at.setdefault(division, now)
        if now - self._reported_at < (MINUTE if self.draw is None else FRAME):
            return
        self._reported_at = now
        lines = [self._status(division) for division in sorted(divisions)]
        if self.draw is not None:
            self.draw(lines)
            return
        for status in lines:
            _log_status(status)

    def _status(self, division: int) -> DivisionStatus:
        rows = self.rows[division]
        return DivisionStatus(
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
        # Measured from the division's own start: it may have waited for a thread.
        taken = self._clock() - self._began_at[division]
        return taken * (expected - rows) / rows


def _log_status(status: DivisionStatus) -> None:
    left = "" if status.left is None else f", {status.left} left today"
    to_go = "" if status.to_go is None else f", {status.to_go:.0f} s to go"
    logger.info(
        "Division %s: %s, %d rows, %d calls%s, waited %.0f s%s",
        status.division,
        status.stream,
        status.rows,
        status.calls,
        left,
        status.waited,
        to_go,
        extra={
            "stream_name": status.stream,
            "division": status.division,
            "rows": status.rows,
            "calls": status.calls,
            "calls_left": status.left,
            "waited_seconds": round(status.waited, 1),
            "seconds_to_go": None if status.to_go is None else round(status.to_go),
        },
    )


class RunMetric(str, enum.Enum):
    """Metrics that the SDK does not define."""

    WAITED = "call_limit_wait"
    RETRIES = "http_retry_count"


def log_metrics(usage: Usage, budget: Budget) -> None:
    """Log the metrics of a run in the format of the SDK: calls by endpoint, waits, retries."""
    calls: Counter[str] = Counter()
    for (_, endpoint), count in usage.calls_by_endpoint.items():
        calls[endpoint] += count
    # One point for all: Meltano shows the value of a point, and not its tags.
    points = [
        metrics.Point(
            "counter", metrics.Metric.HTTP_REQUEST_COUNT, calls.total(), {"endpoints": dict(calls)}
        )
    ]
    points.append(metrics.Point("counter", RunMetric.RETRIES, usage.retries))  # type: ignore[arg-type]
    waited = round(budget.waited, 1)
    points.append(metrics.Point("timer", RunMetric.WAITED, waited))  # type: ignore[arg-type]
    for point in points:
        metrics.log(metrics.get_metrics_logger(), point)


@contextmanager
def on_terminal(progress: Progress) -> Iterator[None]:
    """Show a table if standard error is a terminal; log lines scroll above it."""
    has_viewer = sys.stderr.isatty() and not sys.stdout.isatty()
    if not has_viewer or "MELTANO_PROJECT_ROOT" in os.environ:
        yield
        return
    # Most runs have no terminal, and Rich is slow to import.
    from tap_exactonline.progress.screen import screen  # noqa: PLC0415

    with screen() as draw:
        progress.draw = draw
        try:
            yield
        finally:
            progress.draw = None
