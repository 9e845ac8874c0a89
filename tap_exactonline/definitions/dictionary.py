"""Meanings of the columns of the core streams, from `dictionary.csv` beside this file.

A row with a stream overrides one for all streams (`*`). A pattern describes what its columns say
by their names; `{}` stands for the words that `*` or `?` takes the place of. The first that fits
holds.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from importlib import resources

from tap_exactonline.definitions.names import snake

ANY = "*"
CORE = frozenset(
    {
        "accounts",
        "addresses",
        "bank_entries",
        "bank_entry_lines",
        "cash_entries",
        "cash_entry_lines",
        "contacts",
        "costcenters",
        "costunits",
        "documents",
        "financial_periods",
        "general_journal_entries",
        "general_journal_entry_lines",
        "gl_accounts",
        "items",
        "journals",
        "payment_conditions",
        "payment_terms",
        "payments",
        "projects",
        "purchase_entries",
        "purchase_entry_lines",
        "purchase_order_lines",
        "purchase_orders",
        "receivables",
        "sales_entries",
        "sales_entry_lines",
        "sales_invoice_lines",
        "sales_invoices",
        "sales_order_lines",
        "sales_orders",
        "system_divisions",
        "transaction_lines",
        "vat_codes",
    }
)
"""Streams whose columns are described."""
KEYS = {"Edm.Guid": "Key of the {}.", "Edm.Boolean": "Whether this holds: {}."}
"""By type: what is certain of a column that no row describes."""
SPELT = {
    "gl": "ledger",
    **{word.lower(): word for word in ("DATEV", "HR", "OB", "PDF", "SBI", "SIRET", "VAT", "WBS")},
}
"""Words of a name that are written otherwise in a sentence."""


def describe(stream: str, column: str, edm: str) -> str | None:
    """Return the meaning of a column; None if it is not known."""
    if stream not in CORE:
        return None
    exact, patterns = _meanings()
    found = exact.get((stream, column)) or exact.get((ANY, column))
    if found:
        return found
    for pattern, text in patterns:
        match = pattern.fullmatch(column)
        if match:
            return text.format(_words(match[1]))
    by_type = KEYS.get(edm)
    return by_type.format(_words(column)) if by_type else None


def _words(name: str) -> str:
    return " ".join(SPELT.get(word, word) for word in snake(name).split("_") if word)


@cache
def _meanings() -> tuple[dict[tuple[str, str], str], list[tuple[re.Pattern[str], str]]]:
    """Read the file: meanings by stream and column, and those of patterns in their order."""
    text = resources.files(__package__).joinpath("dictionary.csv").read_text(encoding="utf-8")
    exact: dict[tuple[str, str], str] = {}
    patterns = []
    for row in csv.DictReader(text.splitlines()):
        column, description = row["column"], row["description"]
        if ANY in column or "?" in column:
            expression = re.escape(column).replace(r"\*", "(.+)").replace(r"\?", "(.)")
            patterns.append((re.compile(expression), description))
        else:
            exact[row["stream"], column] = description
    return exact, patterns
