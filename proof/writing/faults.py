"""Is every invoice made once when answers are lost, calls fail, and the target is killed?"""

from __future__ import annotations

import math
import random
import threading
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from exactonline_sandbox.config import FaultRule
from proof.reading.kills import Watch
from proof.writing.company import CENT, TIMEOUT, company, messages, states

if TYPE_CHECKING:
    from proof.writing.company import Company

SHARE = 0.05
"""Of all calls: as many answers are lost, as many calls are cut, as many fail."""
SPEED = 60.0
"""Waiting a minute for a lost document takes a second."""
CODES = {0: "well", 3: "sign-in", 5: "some rejected", 7: "unavailable", -9: "killed"}
"""How a run may end here; all else is wrong."""
MOST_REPLAYS = 20
KILLED, SIGN_IN = -9, 3
WELL = ("created", "unchanged", "exists")


@dataclass
class Figures:
    """What it took, and what is wrong in the end."""

    invoices: int
    kills: int = 0
    runs: Counter[int] = field(default_factory=Counter)
    """By exit code."""
    replays: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def faults(seed: int, invoices: int, kills: int) -> Figures:
    """Load invoices through faults, killed on the way, and compare what came of it."""
    figures = Figures(invoices)
    chance = random.Random(seed)
    with company(seed, customers=20, items=50, speed=SPEED) as books:
        watch = books.server.world.recorder = Watch()
        books.server.control.faults(*_rules())
        _load(figures, books, watch, chance, kills)
        _replay(figures, books)
        books.server.control.faults()
        figures.calls = books.calls()
        _compare(figures, books)
    if figures.calls["POST"] <= invoices:
        figures.wrong.append("no fault has struck a write")
    return figures


def _rules() -> list[dict[str, Any]]:
    rules = [
        FaultRule("lost", SHARE),
        FaultRule("cut", SHARE),
        FaultRule("status", SHARE / 2, status=500),
        FaultRule("status", SHARE / 2, status=503),
    ]
    return [vars(rule) for rule in rules]


def _load(
    figures: Figures, books: Company, watch: Watch, chance: random.Random, kills: int
) -> None:
    """Feed the invoices until they are all through, as a tap does: again from the last state.

    A state may be lost as well; then everything comes again.
    """
    position = 0
    while figures.kills < kills or position < figures.invoices:
        if position >= figures.invoices:
            position = chance.randrange(figures.invoices)
        code, position = _run(figures, books, watch, chance, position, kill=figures.kills < kills)
        figures.runs[code] += 1
        figures.kills += code == KILLED
        if code == SIGN_IN:
            # Killed between the server's answer and its writing down, the only copy of a token is
            # lost: somebody has to sign in again.
            books.sign_in()
        if code not in CODES:
            said = (books.folder / "said.txt").read_text(encoding="utf-8")
            figures.wrong.append(f"exit code {code}: {said[-1000:]}")
            return


def _run(  # noqa: PLR0913
    figures: Figures,
    books: Company,
    watch: Watch,
    chance: random.Random,
    position: int,
    *,
    kill: bool,
) -> tuple[int, int]:
    """One run; returns its exit code and how far its states came."""
    text = b"".join(
        messages((number, books.invoice(number)) for number in range(position, figures.invoices))
    )
    process, _ = books.target()
    timer = threading.Timer(math.inf, process.kill)
    if kill and chance.random() < 0.5:  # noqa: PLR2004 - as often as not
        # Just before Exact carries out a call: it does so all the same, for nobody.
        watch.at(round(math.pow(20, chance.random())), process.kill)
    elif kill:
        timer = threading.Timer(chance.uniform(0.7, 1.3), process.kill)
        timer.start()
    output, _ = process.communicate(text, timeout=TIMEOUT)
    timer.cancel()
    watch.at(0, lambda: None)
    return process.returncode, max([position, *states(output)])


def _replay(figures: Figures, books: Company) -> None:
    """Send what was rejected once more, until nothing is left."""
    for _ in range(MOST_REPLAYS):
        process, said = books.program("exactonline", "replay")
        process.communicate(timeout=TIMEOUT)
        figures.replays += 1
        if process.returncode == 0:
            return
        if process.returncode == SIGN_IN:
            books.sign_in()
    figures.wrong.append(f"replay: {said.read_text(encoding='utf-8')[-1000:]}")


def _compare(figures: Figures, books: Company) -> None:
    """Document by document: the input, what Exact has, and what we were told."""
    control = books.server.control
    found = defaultdict(list)
    for row in control.truth(books.division, "sales_invoices"):
        found[row["YourRef"]].append(row)
    lines = defaultdict(list)
    for row in control.truth(books.division, "sales_invoice_lines"):
        lines[row["InvoiceID"]].append(row)
    told = {line["reference"]: line for line in books.told()}
    codes = {row["ID"]: row["Code"] for row in control.truth(books.division, "accounts")}
    wanted = {books.invoice(number)["YourRef"] for number in range(figures.invoices)}
    made = {str(reference) for reference in found if str(reference).startswith(f"W{books.seed}-")}
    figures.wrong += [f"{reference} was never asked for" for reference in made - wanted]
    for number in range(figures.invoices):
        record = books.invoice(number)
        reference = record["YourRef"]
        documents = found[reference]
        if len(documents) != 1:
            figures.wrong.append(f"{reference} is there {len(documents)} times")
            continue
        (invoice,) = documents
        invoice["Customer"] = codes[invoice["OrderedBy"]]
        figures.wrong += _differences(record, invoice, lines[invoice["InvoiceID"]])
        last = told.get(reference, {"outcome": "untold", "exact_id": None})
        figures.outcomes[last["outcome"]] += 1
        if last["outcome"] not in WELL or last["exact_id"] != documents[0]["InvoiceID"]:
            figures.wrong.append(f"{reference} was reported as {last}")


def _differences(
    record: dict[str, Any], invoice: dict[str, Any], lines: list[dict[str, Any]]
) -> list[str]:
    wanted = [(line["Item"], line["Quantity"], line["NetPrice"]) for line in _sent(record)]
    lines.sort(key=lambda line: line["LineNumber"])
    made = [(line["ItemCode"], line["Quantity"], line["NetPrice"]) for line in lines]
    total = sum((_amount(line) for line in _sent(record)), Decimal(0))
    wrong = []
    head = (invoice["Customer"], invoice["Description"])
    if head != (record["OrderedBy"], record["Description"]):
        wrong.append(f"{record['YourRef']}: {head}")
    gross, vat = (Decimal(str(invoice[name])) for name in ("AmountFC", "VATAmountFC"))
    of_lines = sum((Decimal(str(line["VATAmountFC"] or 0)) for line in lines), Decimal(0))
    if gross - vat != total or vat != of_lines:
        wrong.append(f"{record['YourRef']}: {gross} with {vat} VAT, not {total} and {of_lines}")
    if made != wanted:
        wrong.append(f"{record['YourRef']}: lines {made}, not {wanted}")
    if Decimal(str(invoice["AmountFCExclVat"])) != total:
        wrong.append(f"{record['YourRef']}: {invoice['AmountFCExclVat']}, not {total}")
    return wrong


def _sent(record: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = record["SalesInvoiceLines"]
    return found


def _amount(line: dict[str, Any]) -> Decimal:
    amount = Decimal(line["Quantity"]) * Decimal(str(line["NetPrice"]))
    return amount.quantize(CENT, ROUND_HALF_UP)
