"""A table as it was read from a file: rows of cells, each of a plain type."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

from target_exactonline.schema.texts import clean

if TYPE_CHECKING:
    from datetime import date

    from exactonline_cli.spreadsheet.spool import Spool


@dataclass(frozen=True)
class Percent:
    """A number in a cell that is shown in per cent; 10 % is 0.1."""

    fraction: Decimal


@dataclass(frozen=True)
class Formula:
    """A formula whose result is not in the file."""

    text: str


@dataclass(frozen=True)
class CellError:
    """What a spreadsheet shows where a formula fails, such as `#DIV/0!`."""

    text: str


Cell: TypeAlias = "str | Decimal | bool | date | Percent | Formula | CellError | None"


@dataclass
class Row:
    """One row, by the number that a spreadsheet shows beside it."""

    number: int
    cells: list[Cell]

    def cell(self, index: int) -> Cell:
        """The cell of a column; None behind the end of the row."""
        return self.cells[index] if index < len(self.cells) else None


@dataclass
class Table:
    """All rows of a file or sheet, and how it was read."""

    rows: Spool[Row]
    encoding: str | None = None
    """Of a CSV file."""
    delimiter: str | None = None
    """Of a CSV file."""
    sheet: str | None = None
    """Of a workbook."""
    notes: list[str] = field(default_factory=list)
    """Notes for the user on how the file was read."""


_FORCED_TEXT = re.compile(r"^'(?=[\d+-])")


def is_empty(cell: Cell) -> bool:
    """Whether a cell is empty."""
    return cell is None or (isinstance(cell, str) and not clean(cell))


def text_of(cell: Cell) -> str:
    """A cell as the text of a code, name or description; empty where it says nothing."""
    if isinstance(cell, str):
        # An apostrophe in front makes a spreadsheet keep digits as text.
        return _FORCED_TEXT.sub("", clean(cell))
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, Percent):
        return f"{plain_number(cell.fraction * 100)} %"
    if isinstance(cell, (Formula, CellError)):
        return cell.text
    if isinstance(cell, Decimal):
        return plain_number(cell)
    return cell.isoformat() if cell else ""


def plain_number(number: Decimal) -> str:
    """A number without an exponent and without zeros at its end."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
