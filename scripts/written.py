"""Tables of the page on the unified shape: how each field is written."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from scripts.pages import ROOT, table
from scripts.unified import RESOURCES, Field, mapping
from target_exactonline.schema.unified import TARGETS, words

if TYPE_CHECKING:
    from collections.abc import Iterator

NOTES = {
    "same": "",
    "number": "",
    "negate": "with the sign turned",
    "times100": "as a fraction",
    "signed": "with the sign of the type",
    "fallback": "left out of what was read where it is the name",
    "only": "a list of one value",
    "link": "a key; or in its place the code or the name of the row",
    "code": "where its key is not given",
    "name": "where neither key nor code is given",
    "period": "year and period, such as `2026-06`",
    "check": "not sent: compared with what Exact makes of it",
    "sum": "not sent: compared with the sums of the lines",
    "product": "not sent: price and quantity are the amount",
    "order": "not sent: lines are sent in this order",
    "first_line": "to the first line",
    "every_line": "to every line",
}
REFUSED = "refused"
HAND = ROOT / "tests" / "dbt" / "hand"
TOTALS = ("total", "total_amount")
DAYS = ("invoice_date", "date_issued", "bill_date", "posted_at")


def blocks() -> dict[str, str]:
    """The blocks of the page."""
    return {
        "hand_documents": _documents(),
        "hand_books": _books(),
        "written_fields": "\n\n".join(_resources()),
    }


def _documents() -> str:
    """The documents that the books by hand are of."""
    found = json.loads((HAND / "documents.json").read_text(encoding="utf-8"))["documents"]
    rows = [_document(each["stream"], each["record"], each["about"]) for each in found]
    return table(("document", "day", "stream", "what", "amount"), rows)


def _document(stream: str, record: dict[str, Any], about: str) -> list[str]:
    lines = record["line_items"]
    total = next((record[name] for name in TOTALS if name in record), None)
    if total is None:
        debits = (line["total_amount"] for line in lines if line["type"] == "debit")
        total = sum(map(Decimal, debits))
    name = record.get("bill_number") or record["reference"]
    day = next(record[field] for field in DAYS if field in record)
    return [name, day, f"`{stream}`", about, f"{total} {record.get('currency', 'EUR')}"]


def _books() -> str:
    """The trial balance of these documents."""
    with (HAND / "trial_balance.csv").open(encoding="utf-8", newline="") as file:
        rows = [[*row.values()] for row in csv.DictReader(file)]
    return table(("account", "debit", "credit", "balance"), rows)


def _resources() -> Iterator[str]:
    found = mapping()
    by_name = {item.name: item for item in RESOURCES}
    for name, target in TARGETS.items():
        about = f"{by_name[name].description} They are written to `{target.stream}`."
        yield f"#### {name}\n\n{about}\n\n{_fields(found[name])}"
        if target.lines:
            yield f"`line_items` of {name}:\n\n{_fields(found[target.lines])}"


def _fields(fields: list[Field]) -> str:
    rows = [[f"`{field.field}`", *_written(field)] for field in fields]
    written = [row for row in rows if row[2] != REFUSED]
    refused = ", ".join(row[0] for row in rows if row[2] == REFUSED)
    return table(("field", "at Exact", "how"), written) + f"\n\nFilled in by Exact: {refused}."


def _written(field: Field) -> tuple[str, str]:
    how, _, argument = field.write.partition(":")
    sent = ", ".join(f"`{name}`" for name in (field.sent_as or field.exact_column).split())
    if how == "none":
        return "", f"of stream `{argument}`" if argument else REFUSED
    if how == "words":
        known = words()[argument]
        return sent, "in words: " + ", ".join(f"`{word}`" for word in known)
    if how == "const":
        return "", f"`{argument}`, nothing else"
    if how == "state":
        opened, _, final = argument.partition("/")
        note = " or ".join(f"`{word}`" for word in opened.split())
        return "", note + (f"; with `finalize`: `{final}`" if final else "")
    if how == "sign":
        plus, minus = argument.split("/")
        return "", f"`{plus}`, or `{minus}` for the other sign"
    return ("" if how in {"sum", "product", "order"} else sent), NOTES[how]
