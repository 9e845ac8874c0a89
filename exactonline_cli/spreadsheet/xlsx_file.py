"""Read a workbook (.xlsx): values, formats, merged cells, formulas without a result."""

from __future__ import annotations

import re
import zipfile
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import repeat
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from defusedxml import ElementTree

from exactonline_cli.spreadsheet.spool import Spool
from exactonline_cli.spreadsheet.table import Cell, CellError, Formula, Percent, Row, Table
from exactonline_client.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from openpyxl import Workbook

LARGEST = 500_000_000
"""Bytes that a workbook may hold once it is unpacked."""
WITHOUT_LIBRARY = (
    "Workbooks (.xlsx) are read with openpyxl, which is not installed: install "
    "singer-exactonline[excel], or save the sheet as CSV UTF-8."
)
MOST_SHOWN = 10
"""Row numbers that a note lists."""
FORMULA = "f"
"""How the library marks a cell with a formula."""
SAMPLE = 30
"""Rows in which headers are looked for."""
LEAST_KNOWN = 2
"""Headers by which a sheet counts as one to import."""

_ZEROS = re.compile(r"0+")


def read(path: Path, sheet: str | None, known: Callable[[Sequence[str]], int]) -> Table:
    """Read a sheet of a workbook.

    Args:
        path: of the file.
        sheet: its name; None for the only one that has known headers.
        known: how many of some cells are headers that are known.

    Raises:
        ConfigurationError: the library is not installed, the file is no workbook, or the sheet is
            not there or cannot be told.
    """
    try:
        import openpyxl  # noqa: PLC0415 - an extra
    except ImportError:
        raise ConfigurationError(WITHOUT_LIBRARY) from None
    _check(path)
    try:
        with closing(openpyxl.load_workbook(path, read_only=True)) as book:
            chosen = _choose(book, sheet, known, path.name)
            form = _form(path, book[chosen])
            if not form.has_formulas:
                return _table(book[chosen], form)
            with closing(openpyxl.load_workbook(path, read_only=True, data_only=True)) as results:
                return _table(book[chosen], form, results[chosen])
    except ConfigurationError:
        raise
    except Exception as error:  # noqa: BLE001 - the library raises whatever it meets
        raise ConfigurationError(
            f"{path.name} cannot be read as a workbook ({type(error).__name__}). Open it in Excel, "
            "save it as .xlsx, and import again."
        ) from None


def _check(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(item.file_size for item in archive.infolist())
    except (zipfile.BadZipFile, OSError):
        raise ConfigurationError(
            f"{path.name} is not an .xlsx workbook: it may be protected by a password, or an old "
            ".xls. Open it in Excel, save it as .xlsx without a password, and import again."
        ) from None
    if size > LARGEST:
        raise ConfigurationError(
            f"{path.name} is {size:,} bytes when unpacked, which is too large. Save the "
            "sheet as CSV UTF-8, or in parts."
        )


def _choose(
    book: Workbook, sheet: str | None, known: Callable[[Sequence[str]], int], name: str
) -> str:
    names = [each.title for each in book.worksheets]
    if sheet is not None:
        if sheet not in names:
            raise ConfigurationError(
                f"--sheet: {name} has no sheet {sheet!r}. It has: {', '.join(names)}."
            )
        return sheet
    if len(names) == 1:
        return names[0]
    fitting = {
        each.title: max(
            (
                known([value for value in row if isinstance(value, str)])
                for row in _rows(each, SAMPLE, values_only=True)
            ),
            default=0,
        )
        for each in book.worksheets
        if each.sheet_state == "visible"
    }
    best = [title for title, count in fitting.items() if count >= LEAST_KNOWN]
    if len(best) == 1:
        return best[0]
    raise ConfigurationError(
        f"{name} has several sheets that could be meant: {', '.join(best or names)}. Name one with "
        "--sheet. Documents with their lines on a separate sheet cannot be imported: put both on "
        "one sheet, each row a line with the fields of its document."
    )


def _rows(sheet: Any, most: int | None = None, *, values_only: bool = False) -> Iterator[Any]:  # noqa: ANN401 - as the library has it
    """The rows of a sheet, one by one."""
    # Some programs write a size that is too small, by which rows would be left out.
    sheet.reset_dimensions()
    found: Iterator[Any] = sheet.iter_rows(max_row=most, values_only=values_only)
    return found


@dataclass
class _Form:
    """What a sheet is besides its cells; the library does not tell it of a sheet read by rows."""

    has_formulas: bool = False
    hidden: list[int] = field(default_factory=list)
    """Numbers of rows."""
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    """First column and row, last column and row of areas that are one cell."""


def _form(path: Path, sheet: Any) -> _Form:  # noqa: ANN401 - as the library has it
    from openpyxl.worksheet.cell_range import CellRange  # noqa: PLC0415 - an extra

    form = _Form()
    place = sheet._worksheet_path  # noqa: SLF001 - no public name tells the part of the archive
    with zipfile.ZipFile(path) as archive, archive.open(place) as part:
        for _, element in ElementTree.iterparse(part, forbid_dtd=True):
            name = element.tag.rpartition("}")[2]
            if name == "f":
                form.has_formulas = True
            elif name == "row":
                if element.get("hidden") in {"1", "true"}:
                    form.hidden.append(int(element.get("r", 0)))
                element.clear()
            elif name == "mergeCell":
                form.merged.append(CellRange(element.get("ref")).bounds)
    return form


def _table(sheet: Any, form: _Form, results: Any = None) -> Table:  # noqa: ANN401 - as the library has them
    """The rows of a sheet; `results` is the same with the results of its formulas."""
    merged = _Merged(form.merged)
    rows: Spool[Row] = Spool()
    stored: Iterable[Sequence[Any]] = (
        repeat(()) if results is None else _rows(results, values_only=True)
    )
    for number, (shown, values) in enumerate(zip(_rows(sheet), stored, strict=False), start=1):
        cells = [
            _cell(cell, values[index] if index < len(values) else None)
            for index, cell in enumerate(shown)
        ]
        merged.fill(number, cells)
        if any(cell is not None for cell in cells):
            # Rows that are only formatted may go on to the end of the sheet.
            for gap in range(len(rows) + 1, number):
                rows.append(Row(gap, []))
            rows.append(Row(number, cells))
    table = Table(rows, sheet=sheet.title)
    if form.hidden:
        named = ", ".join(map(str, form.hidden[:MOST_SHOWN]))
        more = ", ..." if len(form.hidden) > MOST_SHOWN else ""
        table.notes.append(f"Rows {named}{more} are hidden in the sheet; they are read too.")
    return table


class _Merged:
    """Cells that are one: each row has the value in the column in which the area begins.

    Only that column is filled: a title across the sheet is no value of each.
    """

    def __init__(self, areas: Iterable[tuple[int, int, int, int]]) -> None:
        self._waiting = sorted(areas, key=itemgetter(1), reverse=True)
        self._open: dict[tuple[int, int, int, int], Cell] = {}

    def fill(self, number: int, cells: list[Cell]) -> None:
        """Give the cells of a row the values of the areas that it lies in; rows come in order."""
        while self._waiting and self._waiting[-1][1] <= number:
            area = self._waiting.pop()
            first = area[0] - 1
            self._open[area] = cells[first] if first < len(cells) else None
        for area in list(self._open):
            left, _, right, bottom = area
            if number > bottom:
                del self._open[area]
                continue
            cells.extend([None] * (left - len(cells)))
            cells[left - 1] = self._open[area]
            cells[left:right] = [None] * len(cells[left:right])


def _cell(shown: Any, stored: Any) -> Cell:  # noqa: ANN401 - as the library has them
    value = shown.value
    if shown.data_type == FORMULA:
        text = str(getattr(value, "text", None) or value)
        if stored is None:
            return Formula(text if text.startswith("=") else f"={text}")
        if isinstance(stored, str) and stored.startswith("#"):
            return CellError(stored)
        value = stored
    if shown.data_type == "e":
        return CellError(str(value))
    return _plain(value, shown.number_format)


def _plain(value: Any, form: str) -> Cell:  # noqa: ANN401 - as the library has them
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _number(value, form)
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, time):
        return f"{value:%H:%M:%S}"
    if isinstance(value, timedelta):
        return _hours(value)
    return value if value is None or isinstance(value, (str, bool, date)) else str(value)


def _number(value: float, form: str) -> Cell:
    # A workbook keeps doubles and shows 15 digits of them, which are the ones that were typed.
    number = Decimal(str(value) if isinstance(value, int) else f"{value:.15g}")
    if "%" in form:
        return Percent(number)
    if _ZEROS.fullmatch(form) and len(form) > 1 and number == int(number):
        return f"{int(number):0{len(form)}d}"
    return number


def _hours(length: timedelta) -> str:
    minutes, seconds = divmod(int(length.total_seconds()), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
