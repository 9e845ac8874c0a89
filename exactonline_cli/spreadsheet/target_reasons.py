"""Translate reasons of the target to rows and columns of the file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from exactonline_cli.spreadsheet.model import say
from exactonline_cli.spreadsheet.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exactonline_cli.spreadsheet.model import Document, Line

KINDS = {
    "Accounts": "account",
    "Items": "item",
    "GLAccounts": "ledger account",
    "VATCodes": "VAT code",
    "Journals": "journal",
    "PaymentConditions": "payment condition",
    "Costcenters": "cost centre",
    "Costunits": "cost unit",
    "Currencies": "currency",
    "Units": "unit",
    "Projects": "project",
    "ItemGroups": "item group",
}
OPTIONAL = frozenset({"project", "cost centre", "cost unit", "unit", "payment condition"})
"""Kinds that a document can do without."""
_PLACE = re.compile(
    r"(?:\w+\[(?P<number>\d+)\]\.)?(?P<name>[A-Z]\w+)(?::| )\s*(?P<why>.*)", re.DOTALL
)
_NEXT = re.compile(r"; (?=(?:\w+\[\d+\]\.)?[A-Z]\w+(?::| ))")
_ABSENT = re.compile(
    r"no row of (?P<kind>\w+) has (?P<by>Code|Name|FullName|Description) '(?P<value>.*?)'"
    r"(?P<other> or Name '.*?')?(?: \((?P<near>similar|there are): (?P<those>.*)\))?$",
    re.DOTALL,
)


def problems(document: Document, reason: str) -> Iterator[Problem]:
    """What is wrong with a document, by row and column as far as the reason names a field."""
    for part in _NEXT.split(reason):
        yield _problem(document, part)


def _problem(document: Document, reason: str) -> Problem:
    found = _PLACE.fullmatch(reason)
    holder: Line = document
    if found and found["number"] and int(found["number"]) <= len(document.lines):
        holder = document.lines[int(found["number"]) - 1]
    name = found["name"] if found else ""
    spellings = (name, f"{name}Code", f"{name}Name")
    if found is None or holder.header(*spellings) is None:
        return Problem(document.row, reason)
    held = next(each for each in spellings if each in holder.headers)
    value = holder.fields.get(held)
    text = None if value is None else say(value)
    header = holder.headers[held]
    return Problem(holder.row, _why(found["why"], text, header), header, text)


def _why(reason: str, value: str | None, header: str) -> str:
    """A reason in words that go on from the value."""
    absent = _ABSENT.fullmatch(reason)
    if absent is None:
        return reason
    kind = KINDS.get(absent["kind"], absent["kind"])
    those = [each.strip() for each in (absent["those"] or "").split(",") if each.strip()]
    by = absent["by"].casefold() + (" or name" if absent["other"] else "")
    said = f"is the {by} of no {kind}"
    if value and value.isdigit():
        padded = [each for each in those if each.isdigit() and each.lstrip("0") == value]
        if padded:
            return (
                f"{said}, but {padded[0]} exists: a leading zero was lost, so write it again in a "
                "column of text"
            )
    if not those and kind in OPTIONAL:
        return (
            f"{said}; correct it, create it in Exact first, or leave the column out with --column "
            f"{header!r}=ignore"
        )
    if not those:
        return f"{said}; correct it, or create it in Exact first"
    return f"{said} ({absent['near']}: {', '.join(those)})"
