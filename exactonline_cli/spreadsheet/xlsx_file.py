"""Read a workbook (.xlsx): values, formats, merged cells, formulas without a result."""

from __future__ import annotations

import re
import zipfile
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from exactonline_cli.spreadsheet.table import Cell, CellError, Formula, Percent, Row, Table
from exactonline_client.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from openpyxl import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

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
        book = openpyxl.load_workbook(path)
        chosen = _choose(book, sheet, known, path.name)
        results: dict[tuple[int, int], Any] = {}
        if any(cell.data_type == FORMULA for row in book[chosen].iter_rows() for cell in row):
            stored = openpyxl.load_workbook(path, data_only=True)[chosen]
            results = {
                (number, index): value
                for number, row in enumerate(stored.iter_rows(values_only=True), start=1)
                for index, value in enumerate(row)
            }
    except ConfigurationError:
        raise
    except Exception as error:  # noqa: BLE001 - the library raises whatever it meets
        raise ConfigurationError(
            f"{path.name} cannot be read as a workbook ({type(error).__name__}). Open it in Excel, "
            "save it as .xlsx, and import again."
        ) from None
    return _table(book[chosen], results)


def _check(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(item.file_size for item in archive.infolist())
    except (zipfile.BadZipFile, OSError):
        raise ConfigurationError(
            f"{path.name} is no .xlsx workbook: it may be protected by a password, or an old .xls. "
            "Open it in Excel, save it as .xlsx without a password, and import again."
        ) from None
    if size > LARGEST:
        raise ConfigurationError(
            f"{path.name} holds {size:,} bytes once it is unpacked, which is too much. Save the "
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
                for row in each.iter_rows(max_row=min(SAMPLE, each.max_row), values_only=True)
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
        "--sheet. Documents whose lines stand on a sheet of their own cannot be imported: put both "
        "on one sheet, each row a line with its document beside it."
    )


def _table(sheet: Worksheet, results: Mapping[tuple[int, int], Any]) -> Table:
    """The rows of a sheet; `results` are those of its formulas, by row and column."""
    covered = _merged_down(sheet)
    rows: list[Row] = []
    for number, shown in enumerate(sheet.iter_rows(), start=1):
        cells = [_cell(cell, results.get((number, index))) for index, cell in enumerate(shown)]
        for index, (row, column) in covered.get(number, {}).items():
            cells[index] = rows[row - 1].cells[column]
        rows.append(Row(number, cells))
    table = Table(rows, sheet=sheet.title)
    hidden = [str(number) for number, size in sheet.row_dimensions.items() if size.hidden]
    if hidden:
        more = ", ..." if len(hidden) > MOST_SHOWN else ""
        table.notes.append(
            f"Rows {', '.join(hidden[:MOST_SHOWN])}{more} are hidden in the sheet; they are read "
            "too."
        )
    return table


def _merged_down(sheet: Worksheet) -> dict[int, dict[int, tuple[int, int]]]:
    """For each row, the columns that a merged cell above covers, and where that begins.

    Only the column in which it begins is filled: a title across the sheet is no value of each.
    """
    found: dict[int, dict[int, tuple[int, int]]] = {}
    for area in sheet.merged_cells.ranges:
        left, top, _, bottom = area.bounds
        for row in range(top + 1, bottom + 1):
            found.setdefault(row, {})[left - 1] = (top, left - 1)
    return found


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
