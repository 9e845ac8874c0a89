"""Is every invoice made once when answers are lost, calls fail, and the target is killed?"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from tests.stress.writing.company import CENT, company
from tests.stress.writing.storm import SPEED, Storm

if TYPE_CHECKING:
    from tests.stress.writing.company import Company

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
    with company(seed, customers=20, items=50, speed=SPEED) as books:
        storm = Storm(books, random.Random(seed))
        storm.begin()
        invoices = storm.load(books.invoice, invoices, kills)
        storm.replay()
        calls = storm.end()
        figures = Figures(
            invoices, storm.kills, storm.runs, storm.replays, calls=calls, wrong=storm.wrong
        )
        _compare(figures, books)
    if figures.calls["POST"] <= invoices:
        figures.wrong.append("no fault has struck a write")
    return figures


def _compare(figures: Figures, books: Company) -> None:
    """Document by document: the input, what Exact has, and what was reported."""
    control = books.server.control
    found = defaultdict(list)
    for row in control.truth(books.division, "sales_invoices"):
        found[row["YourRef"]].append(row)
    lines = defaultdict(list)
    for row in control.truth(books.division, "sales_invoice_lines"):
        lines[row["InvoiceID"]].append(row)
    reported = {line["reference"]: line for line in books.reported()}
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
        last = reported.get(reference, {"outcome": "no result", "exact_id": None})
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
