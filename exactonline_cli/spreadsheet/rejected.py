"""A file of the rows that were refused, as they came, with the row and the reason at the end."""

from __future__ import annotations

import csv
import os
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from exactonline_cli.spreadsheet.headers import REASON_COLUMN, ROW_COLUMN, plain_header
from exactonline_cli.spreadsheet.table import CellError, Formula, Percent
from exactonline_client.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from exactonline_cli.spreadsheet.model import Draft
    from exactonline_cli.spreadsheet.table import Cell, Row

MOST_FILES = 1000
OURS = frozenset({plain_header(ROW_COLUMN), plain_header(REASON_COLUMN)})


def exist_for(path: Path) -> bool:
    """Whether a file of rejected rows was written before."""
    stem = path.name.removesuffix(path.suffix)
    return path.with_name(f"{stem}.rejected{path.suffix or '.csv'}").exists()


def name_for(path: Path) -> Path:
    """The name of a file of rejected rows that is not taken yet."""
    suffix = path.suffix or ".csv"
    stem = path.name.removesuffix(path.suffix)
    for number in range(1, MOST_FILES):
        count = "" if number == 1 else f"-{number}"
        found = path.with_name(f"{stem}.rejected{count}{suffix}")
        if not found.exists():
            return found
    raise ConfigurationError(f"There are {MOST_FILES} files {stem}.rejected already. Remove some.")


def write(path: Path, draft: Draft) -> Path:
    """Write the rows of all refused documents beside the file that they come from.

    Args:
        path: of the file that was read.
        draft: what was made of it.

    Returns:
        The new file.

    Raises:
        ConfigurationError: it cannot be written.
    """
    target = name_for(path)
    try:
        if draft.table.sheet is None:
            _write_csv(target, draft)
        else:
            _write_workbook(target, draft)
    except OSError as error:
        raise ConfigurationError(f"{target} cannot be written ({error.strerror}).") from None
    return target


def _rows(draft: Draft) -> Iterator[tuple[Row, str]]:
    """The rows of refused documents, each with what is wrong with it."""
    reasons: dict[int, list[str]] = {}
    for document in draft.documents:
        if document.problems:
            for number in document.rows:
                reasons.setdefault(number, [])
            for problem in document.problems:
                reasons.setdefault(problem.row, []).append(problem.what)
    for row in draft.rows:
        if row.number in reasons:
            yield row, "; ".join(reasons[row.number]) or "another row of the document is wrong"


def _kept(draft: Draft) -> list[int]:
    """The columns that are the file's own, and none of an earlier file of rejected rows."""
    width = max((len(row.cells) for row in (*draft.headers.rows, *draft.rows)), default=0)
    names = draft.headers.names
    return [
        index
        for index in range(width)
        if index >= len(names) or plain_header(names[index]) not in OURS
    ]


def _head(draft: Draft, kept: Sequence[int]) -> Iterator[list[Cell]]:
    for row in draft.headers.rows:
        cells: list[Cell] = [row.cell(index) for index in kept]
        ours: list[Cell] = [ROW_COLUMN, REASON_COLUMN] if row is draft.headers.rows[-1] else []
        yield [*cells, *ours]


def _write_csv(target: Path, draft: Draft) -> None:
    kept = _kept(draft)
    with os.fdopen(
        os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600),
        "w",
        encoding=draft.table.encoding,
        errors="backslashreplace",
        newline="",
    ) as file:
        writer = csv.writer(file, delimiter=draft.table.delimiter or ";")
        writer.writerows([_as_text(cell) for cell in cells] for cells in _head(draft, kept))
        for row, reason in _rows(draft):
            writer.writerow(
                [*(_as_text(row.cell(index)) for index in kept), str(row.number), reason]
            )


def _as_text(cell: Cell) -> str:
    return cell if isinstance(cell, str) else ""


def _write_workbook(target: Path, draft: Draft) -> None:
    import openpyxl  # noqa: PLC0415 - an extra
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415

    kept = _kept(draft)
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(draft.table.sheet)

    def made(cell: Cell) -> Any:  # noqa: ANN401 - as the library has it
        value, form = _stored(cell)
        found = WriteOnlyCell(sheet, value)
        found.number_format = form
        return found

    for cells in _head(draft, kept):
        sheet.append([made(cell) for cell in cells])
    for row, reason in _rows(draft):
        own = [made(row.cell(index)) for index in kept]
        sheet.append([*own, made(Decimal(row.number)), made(reason)])
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        book.save(file)


def _stored(cell: Cell) -> tuple[Any, str]:
    """A cell as a workbook holds it, and its format."""
    if isinstance(cell, Percent):
        return cell.fraction, "0.00%"
    if isinstance(cell, date):
        return cell, "yyyy-mm-dd"
    if isinstance(cell, (Formula, CellError)):
        return cell.text, "General"
    # Text stays text: a code of digits keeps its zeros.
    return cell, "@" if isinstance(cell, str) else "General"
