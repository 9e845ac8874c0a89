"""What do new invoices cost, and what does it cost to load them again?"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

from tests.stress.writing.company import company, messages

MOST_PER_INVOICE = 1.05
MOST_AGAIN = 200
"""Reads that a second load may cost, of ten thousand invoices."""
CREATED, UNCHANGED = "created", "unchanged"
STATE_EVERY = 1000
"""Records between two states, as a tap of a database sends them, or seldomer."""
NEW, MORE = "new", "more"
LOST = "again, upsert, without the store"
UPSERT = {"load_method": "upsert"}


@dataclass
class Load:
    """One run of the target."""

    what: str
    records: int
    code: int
    outcomes: Counter[str]
    calls: Counter[str]
    seconds: float


@dataclass
class Figures:
    """All runs, and what is wrong with them."""

    loads: list[Load] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def costs(seed: int, invoices: int, again: int, customers: int, items: int) -> Figures:
    """Create invoices that name customers and items by code, then more, then load all again.

    Again with the store, which knows them, and without it: then they are found at Exact Online.
    """
    figures = Figures()
    with company(seed, customers=customers, items=items) as books:
        for what, numbers, settings, wanted in (
            (NEW, range(invoices), {}, CREATED),
            (MORE, range(invoices, again), {}, CREATED),
            ("again", range(again), {}, UNCHANGED),
            ("again, upsert", range(again), UPSERT, UNCHANGED),
            (LOST, range(again), UPSERT, UNCHANGED),
        ):
            if what == LOST:
                books.lose_the_store()
            books.results.unlink(missing_ok=True)
            numbered = ((number, books.invoice(number)) for number in numbers)
            text = b"".join(messages(numbered, STATE_EVERY))
            begin = time.monotonic()
            ended = books.load(text, **settings)
            seconds = time.monotonic() - begin
            outcomes = Counter(line["outcome"] for line in books.reported())
            load = Load(what, len(numbers), ended.code, outcomes, books.calls(), seconds)
            figures.loads.append(load)
            if ended.code or outcomes != Counter({wanted: len(numbers)}):
                figures.wrong.append(f"{what}: exit code {ended.code}, {dict(outcomes)}")
    _judge(figures, invoices)
    return figures


def _judge(figures: Figures, invoices: int) -> None:
    new, _, *again = figures.loads
    if new.calls.total() > invoices * MOST_PER_INVOICE:
        figures.wrong.append(f"{new.calls.total()} calls for {invoices} new invoices")
    for load in again:
        if set(load.calls) - {"GET"}:
            figures.wrong.append(f"{load.what}: {dict(load.calls)}")
        if load.calls["GET"] > MOST_AGAIN and load.what != LOST:
            figures.wrong.append(f"{load.what}: {load.calls['GET']} reads")
