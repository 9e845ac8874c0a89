"""Does a first load that meets the end of the day go on at the page where it stopped?"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from exactonline_client.errors import DailyLimitReached
from exactonline_sandbox import SandboxConfig
from tests.stress.reading.books import NO_LIMIT, books

STREAMS = (
    "accounts",
    "purchase_entries",
    "purchase_entry_lines",
    "sales_entries",
    "sales_entry_lines",
    "sales_invoice_lines",
    "sales_invoices",
)
NOON = datetime(2026, 9, 14, 12, tzinfo=timezone.utc)
DAY = timedelta(days=1).total_seconds()


@dataclass(frozen=True)
class Figures:
    """What the load came to, without and with ends of the day."""

    unlimited_calls: int
    unlimited_records: int
    days: list[int]
    """Calls on each day of the other load."""
    stopped: int
    """How often the end of the day ended it."""
    records: int
    rows: int
    wrong: list[str]

    @property
    def more(self) -> float:
        """Calls above the unlimited load, as a share of it."""
        return sum(self.days) / self.unlimited_calls - 1


def quota(seed: int, purchases: int = 40_000, ends: int = 3) -> Figures:
    """Load without a limit, then again with `ends` days that have too few calls."""
    chance = random.Random(seed)
    config = SandboxConfig(
        seed=seed,
        invoices=purchases // 20,
        purchase_entries=purchases,
        lines_per_entry=1,
        clock=NOON,
        speed=0,
        minutely_limit=NO_LIMIT,
        daily_limit=NO_LIMIT,
    )
    with books(config, STREAMS, on_daily_limit="fail") as company:
        errors = [company.load()]
        unlimited, unlimited_records = company.calls, company.warehouse.records
        company.start_anew()
        days = []
        for day in range(ends + 1):
            if day < ends:
                left = round(unlimited * chance.uniform(0.5, 1) / (ends + 1))
                company.server.control.limits(leave_today=left)
            errors.append(company.load())
            days.append(company.calls)
            company.wait(DAY)
        comparison = company.compare(joined=True)
        stopped = [error for error in errors if isinstance(error, DailyLimitReached)]
        others = [str(error) for error in errors if error and error not in stopped]
        return Figures(
            unlimited_calls=unlimited,
            unlimited_records=unlimited_records,
            days=days,
            stopped=len(stopped),
            records=company.warehouse.records,
            rows=comparison.rows,
            wrong=[*others, *comparison.wrong],
        )
