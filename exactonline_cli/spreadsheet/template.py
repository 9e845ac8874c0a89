"""An empty table for invoices, with the headers of a language and two rows to show the form."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from exactonline_cli.spreadsheet.headers import words

if TYPE_CHECKING:
    from collections.abc import Sequence

LANGUAGES = ("nl", "en", "fr", "de")
COLUMNS = (
    ("document", "key"),
    ("document", "OrderedBy"),
    ("document", "InvoiceDate"),
    ("lines", "Item"),
    ("lines", "Description"),
    ("lines", "Quantity"),
    ("lines", "NetPrice"),
    ("lines", "vat_rate"),
)
BETTER = {
    ("nl", "OrderedBy"): "Klantcode",
    ("nl", "Item"): "Artikelcode",
    ("nl", "Description"): "Omschrijving regel",
    ("nl", "NetPrice"): "Prijs excl. btw",
    ("en", "key"): "Invoice number",
    ("en", "OrderedBy"): "Customer code",
    ("en", "InvoiceDate"): "Invoice date",
    ("en", "Item"): "Item code",
    ("en", "NetPrice"): "Price excl. VAT",
    ("fr", "Description"): "Description de la ligne",
    ("de", "Item"): "Artikelnummer",
}
"""Headers that are clearer than the first known synonym."""
COMMA_LANGUAGES = frozenset({"nl", "fr", "de"})


def headers(language: str) -> list[str]:
    """The headers of a table of invoices in a language."""
    known = words()["sales_invoices"]
    return [
        BETTER.get((language, name)) or known[part][name][language][0] for part, name in COLUMNS
    ]


def csv_text(
    language: str,
    customer: str,
    items: Sequence[tuple[str, str, str]],
    day: str,
    number: str,
) -> str:
    """A table with one invoice of two lines.

    Args:
        language: of the headers; it decides the decimal mark and the delimiter as well.
        customer: a code.
        items: codes, descriptions and prices (with a point) of two items.
        day: as 2026-11-28.
        number: of the invoice.
    """
    comma = language in COMMA_LANGUAGES
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";" if comma else ",", lineterminator="\n")
    writer.writerow(headers(language))
    for code, description, price in items:
        shown = price.replace(".", ",") if comma else price
        writer.writerow(
            [number, customer, _day(day, comma=comma), code, description, "1", shown, ""]
        )
    return text.getvalue()


def _day(day: str, *, comma: bool) -> str:
    year, month, number = day.split("-")
    return f"{number}-{month}-{year}" if comma else day
