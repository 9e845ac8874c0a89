"""Does the warehouse equal Exact after every round of changes and deletes?"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from exactonline_sandbox import SandboxConfig, Switches
from tests.stress.reading.books import NO_LIMIT, STREAMS, books

if TYPE_CHECKING:
    from tests.stress.reading.books import Books
    from tests.stress.reading.comparison import Comparison

CLOCK_CHANGES = tuple(
    datetime(*day, 1, tzinfo=timezone.utc)
    for day in ((2026, 3, 29), (2026, 10, 25), (2027, 3, 28), (2027, 10, 31))
)
LINES_BY_ENTRY = ("purchase_entries", "purchase_entry_lines")
"""Streams that are read whole where a changed line does not move its entry, as the docs advise."""
LONGEST = timedelta(days=24)
"""Between two runs; after 30 idle days a person has to sign in again."""
AROUND = timedelta(minutes=120)
SECONDS, HOURS, WEEKS, CLOCK_CHANGE = "seconds", "hours", "weeks", "change of the clock"
KINDS = (SECONDS, HOURS, WEEKS, CLOCK_CHANGE)


@dataclass(frozen=True)
class Case:
    """In which way the books are read."""

    use_sync_api: bool
    divisions: int
    compare_keys: bool = False
    """Find by their keys the deletes that Exact does not log."""
    line_touches_header: bool = True
    """Whether a changed line moves the `Modified` of its header."""


CASES = (
    *(Case(sync, divisions) for sync in (True, False) for divisions in (1, 3)),
    Case(use_sync_api=True, divisions=3, compare_keys=True, line_touches_header=False),
    Case(use_sync_api=False, divisions=1, compare_keys=True),
)


@dataclass
class Figures:
    """What one case came to."""

    case: Case
    loads: int = 0
    calls: int = 0
    records: int = 0
    compared: int = 0
    """Rows, over all loads."""
    changes: Counter[str] = field(default_factory=Counter)
    """Rows that were created, updated and deleted."""
    spans: Counter[str] = field(default_factory=Counter)
    """How much time went by between two runs."""
    left: Counter[str] = field(default_factory=Counter)
    """Rows that Exact logs no delete of, at the end."""
    wrong: list[str] = field(default_factory=list)

    def compared_with(self, comparison: Comparison, when: str) -> None:
        """Add up a comparison."""
        self.loads += 1
        self.compared += comparison.rows
        self.left = comparison.left
        self.wrong += [f"{when}: {line}" for line in comparison.wrong]
        if self.case.compare_keys:
            self.wrong += [f"{when}: {n} {name} are left" for name, n in (+self.left).items()]


def rounds(case: Case, seed: int, number: int, invoices: int = 40) -> Figures:
    """A first load, and `number` rounds of business with a run after each."""
    chance = random.Random(f"{seed} {case}")
    config = SandboxConfig(
        seed=seed,
        invoices=invoices,
        divisions=case.divisions,
        # Shortly before a change of the clock, in spring or in autumn.
        clock=chance.choice(CLOCK_CHANGES[:2]) - timedelta(days=chance.uniform(1, 12)),
        speed=0,
        minutely_limit=NO_LIMIT,
        daily_limit=NO_LIMIT,
        switches=Switches(line_touches_header=case.line_touches_header),
    )
    figures = Figures(case)
    settings = {
        "use_sync_api": case.use_sync_api,
        "compare_keys": ["all"] if case.compare_keys else None,
    }
    with books(config, STREAMS, **settings) as company:
        _load(company, figures, "first load")
        for turn in range(1, number + 1):
            kind = _let_time_pass(company, chance, figures)
            when = f"round {turn} ({kind}, {company.now:%Y-%m-%d %H:%M:%S} UTC)"
            _business(company, chance, figures, kind)
            _load(company, figures, when)
        figures.calls = company.calls
        figures.records = company.warehouse.records
    return figures


def _load(company: Books, figures: Figures, when: str) -> None:
    if not figures.case.line_touches_header:
        for name in LINES_BY_ENTRY:
            (company.warehouse.state or {}).get("bookmarks", {}).pop(name, None)
    error = company.load()
    if error is not None:
        figures.wrong.append(f"{when}: {error}")
    figures.compared_with(company.compare(joined=figures.loads == 0), when)


def _let_time_pass(company: Books, chance: random.Random, figures: Figures) -> str:
    """Move the clock on; returns by what kind of span.

    The first leads to a change of the clock, and there some more rounds are spent.
    """
    begin, end = _next_window(company.now)
    kind = chance.choice(KINDS) if figures.loads > 1 else CLOCK_CHANGE
    if begin <= company.now:
        kind = chance.choice((SECONDS, CLOCK_CHANGE))
    elif kind == CLOCK_CHANGE and end - company.now > LONGEST:
        kind = WEEKS
    until_begin = max(begin - company.now, timedelta(0))
    spans = {
        SECONDS: timedelta(seconds=chance.uniform(0, 90)),
        HOURS: timedelta(hours=chance.uniform(0.1, 30)),
        WEEKS: chance.random() * LONGEST,
        CLOCK_CHANGE: until_begin + chance.random() * (end - company.now - until_begin),
    }
    figures.spans[kind] += 1
    company.wait(spans[kind].total_seconds())
    return kind


def _next_window(now: datetime) -> tuple[datetime, datetime]:
    """The hours around the next change of the clock, or around the one that just was."""
    change = next(moment for moment in CLOCK_CHANGES if moment + AROUND > now)
    return change - AROUND, change + AROUND


def _business(company: Books, chance: random.Random, figures: Figures, kind: str) -> None:
    """Some spurts of work, with seconds or minutes between them and before the run."""
    longest = 20 if kind == SECONDS else 2000
    for _ in range(chance.randrange(1, 4)):
        for division in company.server.divisions:
            figures.changes.update(
                company.do_business(
                    division,
                    seed=chance.randrange(10**9),
                    new=chance.randrange(9),
                    changed=chance.randrange(8),
                    deleted=chance.randrange(9),
                )
            )
        company.wait(chance.uniform(0, longest))
