"""Find the row of headers in a table, below titles and notes, in one line or two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exactonline_client.errors import ConfigurationError
from target_exactonline.schema.texts import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exactonline_cli.spreadsheet.headers import Vocabulary
    from exactonline_cli.spreadsheet.table import Row, Table

FARTHEST = 40
"""Rows in which headers are looked for."""
LEAST = 2
"""Headers that have to be known."""


@dataclass(frozen=True)
class Headers:
    """The headers of a table."""

    row: int
    """The last row of them, by its number."""
    names: tuple[str, ...]
    """By column; empty for a column without one."""
    rows: tuple[Row, ...]
    """The rows themselves, for a file of the same layout."""
    first: int
    """Index of the first row of data."""


def find(table: Table, known: Vocabulary) -> Headers:
    """The headers of a table.

    Raises:
        ConfigurationError: there are none that are known.
    """
    best, count = -1, 0
    top = table.rows[:FARTHEST]
    for index, row in enumerate(top):
        names = _joined(top, index, known)
        found = known.count([name for name in names if name])
        if found > count and len(row.cells) >= found:
            best, count = index, found
    if count < LEAST:
        raise ConfigurationError(_nothing_found(table, known))
    names = _joined(top, best, known)
    has_upper = best and _is_upper(top[best - 1], top[best], known)
    rows = top[best - 1 : best + 1] if has_upper else top[best : best + 1]
    return Headers(top[best].number, tuple(names), tuple(rows), best + 1)


def _names(row: Row) -> list[str]:
    return [clean(cell) if isinstance(cell, str) else "" for cell in row.cells]


def _joined(rows: Sequence[Row], index: int, known: Vocabulary) -> list[str]:
    """The headers of a row; what is not known alone may be with the group above it."""
    names = _names(rows[index])
    if not index:
        return names
    group = ""
    groups = _names(rows[index - 1])
    for column, name in enumerate(names):
        group = (groups[column] if column < len(groups) else "") or group
        if name and group and not known.find(name) and known.find(f"{group} {name}"):
            names[column] = f"{group} {name}"
    return names


def _is_upper(upper: Row, lower: Row, known: Vocabulary) -> bool:
    """Whether a row above the headers is one of groups of them."""
    above, below = _names(upper), _names(lower)
    filled = [name for name in above if name]
    # A title has one cell; a group stands above a column that has a header of its own.
    return len(filled) >= LEAST and len(filled) < len([name for name in below if name]) and all(
        below[column] for column, name in enumerate(above[: len(below)]) if name
    ) and known.count(filled) < known.count([name for name in below if name])  # fmt: skip


def _nothing_found(table: Table, known: Vocabulary) -> str:
    samples = [
        header
        for header in ("Factuurnummer", "Klantcode", "Invoice number", "Code", "Omschrijving",
                       "Description", "Quantity", "Aantal")
        if known.find(header)
    ]  # fmt: skip
    seen = next((name for row in table.rows for name in _names(row) if name), "")
    return (
        f"No row of headers was found in the first {FARTHEST} rows: at least {LEAST} have to be "
        f"known, such as {', '.join(samples[:4])}. "
        + (f"The first cell with text is {seen[:40]!r}. " if seen else "The file is empty. ")
        + "Add a row of headers; exactonline invoices template prints one."
    )
