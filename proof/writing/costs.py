"""What do new invoices cost, and what does it cost to load them again?"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

from proof.writing.company import company, messages

MOST_PER_INVOICE = 1.05
MOST_AGAIN = 200
"""Reads that a second load may cost, of ten thousand invoices."""
CREATED, UNCHANGED = "created", "unchanged"


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


def costs(seed: int, invoices: int, customers: int, items: int) -> Figures:
    """Create invoices that name customers and items by code, then load the same again twice."""
    figures = Figures()
    with company(seed, customers=customers, items=items) as books:
        text = b"".join(messages((number, books.invoice(number)) for number in range(invoices)))
        for what, settings in (
            ("new", {}),
            ("again", {}),
            ("again, upsert", {"load_method": "upsert"}),
        ):
            books.results.unlink(missing_ok=True)
            begin = time.monotonic()
            ended = books.load(text, **settings)
            seconds = time.monotonic() - begin
            outcomes = Counter(line["outcome"] for line in books.told())
            load = Load(what, invoices, ended.code, outcomes, books.calls(), seconds)
            figures.loads.append(load)
            wanted = CREATED if what == "new" else UNCHANGED
            if ended.code or outcomes != {wanted: invoices}:
                figures.wrong.append(f"{what}: exit code {ended.code}, {dict(outcomes)}")
    _judge(figures, invoices)
    return figures


def _judge(figures: Figures, invoices: int) -> None:
    new, *again = figures.loads
    if new.calls.total() > invoices * MOST_PER_INVOICE:
        figures.wrong.append(f"{new.calls.total()} calls for {invoices} new invoices")
    for load in again:
        if set(load.calls) - {"GET"}:
            figures.wrong.append(f"{load.what}: {dict(load.calls)}")
        if load.calls["GET"] > MOST_AGAIN:
            figures.wrong.append(f"{load.what}: {load.calls['GET']} reads")
