"""Which rows of a table are data: not the empty ones, totals, notes and repeated headers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING

from exactonline_cli.spreadsheet.columns import WHAT, Column
from exactonline_cli.spreadsheet.headers import LINES, PARTY, plain_header
from exactonline_cli.spreadsheet.spool import Spool
from exactonline_cli.spreadsheet.table import Formula, is_empty
from target_exactonline.schema.texts import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from exactonline_cli.spreadsheet.header_row import Headers
    from exactonline_cli.spreadsheet.table import Row, Table

EMPTY = "it is empty"
TOTALS = "it is a row of totals: it has no customer and no item"
NOTE = "it has text in one column only"
REPEATED = "it repeats the headers"
WHO = frozenset({PARTY, "OrderedBy", "OrderedByCode", "OrderedByName", "Customer", "Supplier",
                 "Account", "Name", "Description"})  # fmt: skip
"""Fields by which a row is one of data, besides those of `columns.WHAT`."""
FEW_COLUMNS = 3

_TOTAL = re.compile(
    r"(sub|eind)?\s*-?(totaal|totalen|total|totaux|som|sum|summe|gesamt|gesamtsumme|zwischensumme|"
    r"montant total|saldo)\b\W*((excl|incl|ht|ttc|btw|vat|tva)\b.*)?",
    re.IGNORECASE,
)
_FIGURE = re.compile(r"[€$£]?\s*[-+]?\d[\d\s.,:'-]*[€$£%]?")
"""A number, an amount or a length of time, as text."""


@dataclass(frozen=True)
class Skipped:
    """A row that is left out."""

    row: int
    why: str


def data(
    table: Table, headers: Headers, columns: Sequence[Column]
) -> tuple[Spool[Row], list[Skipped]]:
    """The rows of data below the headers, and those that are left out, with the reason."""
    kept: Spool[Row] = Spool()
    empty: range | None = None
    skipped: list[Skipped] = []
    titles = [plain_header(name) for name in headers.names if name]
    has_lines = any(column.field.part == LINES for column in columns)
    for row in islice(table.rows, headers.first, None):
        why = _why_not(row, titles, columns, has_lines=has_lines)
        if why == EMPTY:
            empty = range(empty.start if empty else row.number, row.number + 1)
            continue
        # Empty rows at the end are the end of the sheet, not a gap.
        skipped += [Skipped(number, EMPTY) for number in empty or ()]
        empty = None
        if why:
            skipped.append(Skipped(row.number, why))
        else:
            kept.append(row)
    return kept, skipped


def _why_not(
    row: Row, titles: Sequence[str], columns: Sequence[Column], *, has_lines: bool
) -> str | None:
    filled = [cell for cell in row.cells if not is_empty(cell)]
    if not filled:
        return EMPTY
    texts = [clean(cell) for cell in filled if isinstance(cell, str)]
    if len(texts) > 1 and [plain_header(text) for text in texts] == titles:
        return REPEATED
    if has_lines and not _holds(row, columns, WHAT):
        are_figures = all(
            isinstance(cell, (Decimal, Formula))
            or (isinstance(cell, str) and _FIGURE.fullmatch(clean(cell)))
            for cell in filled
        )
        if (are_figures or any(map(_is_total, texts))) and not _holds(row, columns, WHO):
            return TOTALS
    if len(filled) == 1 and len(titles) >= FEW_COLUMNS and texts and " " in texts[0]:
        return NOTE
    return None


def _holds(row: Row, columns: Iterable[Column], names: frozenset[str]) -> bool:
    """Whether a row has one of some fields; the word of a total is no value of it."""
    cells = [row.cell(column.index) for column in columns if column.field.name in names]
    return any(
        not is_empty(cell) and not (isinstance(cell, str) and _is_total(cell)) for cell in cells
    )


def _is_total(text: str) -> bool:
    return bool(_TOTAL.fullmatch(clean(text)))
