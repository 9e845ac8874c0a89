"""What does a first load of purchase entries cost, with `$expand` and without?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone

from exactonline_sandbox import SandboxConfig, Switches
from tests.stress.reading.books import NO_LIMIT, books

STREAMS = ("purchase_entries", "purchase_entry_lines")
LINES_EACH = 5
NOON = datetime(2026, 9, 14, 12, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Figures:
    """What one load came to."""

    expand: bool
    calls: int
    records: int
    rows: int
    wrong: list[str]


def entries(seed: int, number: int) -> list[Figures]:
    """Load `number` entries of five lines each, from a server that expands and from one not."""
    return [_load(seed, number, expand=expand) for expand in (True, False)]


def _load(seed: int, number: int, *, expand: bool) -> Figures:
    config = SandboxConfig(
        seed=seed,
        # In full books some entries have fewer lines.
        books="simple",
        invoices=20,
        purchase_entries=number,
        lines_per_entry=LINES_EACH,
        clock=NOON,
        speed=0,
        minutely_limit=NO_LIMIT,
        daily_limit=NO_LIMIT,
        switches=Switches(expand=expand),
    )
    with books(config, STREAMS) as company:
        error = company.load()
        calls, records = company.calls, company.warehouse.records
        comparison = company.compare(joined=True)
        wrong = [*([str(error)] if error else []), *comparison.wrong]
        return Figures(expand, calls, records, comparison.rows, wrong)
