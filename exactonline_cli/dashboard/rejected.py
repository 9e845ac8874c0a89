"""Files of rejected rows that imports left beside their spreadsheets, and the rows in them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from exactonline_cli.spreadsheet import csv_file, xlsx_file
from exactonline_cli.spreadsheet.files import WORKBOOKS
from exactonline_cli.spreadsheet.headers import REASON_COLUMN, ROW_COLUMN, plain_header
from exactonline_cli.spreadsheet.table import text_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NAME = re.compile(r".+\.rejected(-\d+)?\.\w+")
DEEPEST = 3
MOST_FOLDERS = 2000
MOST_FILES = 200
MOST_ROWS = 500
OURS = (plain_header(ROW_COLUMN), plain_header(REASON_COLUMN))


@dataclass(frozen=True)
class RejectedFile:
    """A file of rejected rows."""

    path: Path
    shown: str
    """Its path in the folder that was searched."""
    changed_at: float


@dataclass(frozen=True)
class RejectedRow:
    """A row as it came, with its number in the file that was imported."""

    number: str
    reason: str
    cells: list[str]


@dataclass(frozen=True)
class Rejected:
    """The rows of a file."""

    headers: list[str]
    rows: list[RejectedRow]
    more: int
    """Rows that are not shown."""


def files(folder: Path) -> list[RejectedFile]:
    """List the files of rejected rows in a folder and those below it, the newest first."""
    found = []
    for number, (here, names) in enumerate(_walk(folder)):
        if number == MOST_FOLDERS:
            break
        for name in filter(NAME.fullmatch, names):
            path = Path(here, name)
            try:
                changed_at = path.stat().st_mtime
            except OSError:
                continue
            found.append(RejectedFile(path, str(path.relative_to(folder)), changed_at))
    return sorted(found, key=lambda file: -file.changed_at)[:MOST_FILES]


def _walk(folder: Path) -> Iterator[tuple[str, list[str]]]:
    for here, inner, names in os.walk(folder):
        depth = len(Path(here).relative_to(folder).parts)
        # Hidden folders are those of programs.
        inner[:] = (
            []
            if depth == DEEPEST
            else sorted(name for name in inner if not name.startswith((".", "node_modules")))
        )
        yield here, names


def read(path: Path) -> Rejected:
    """Read the rows of a file.

    Raises:
        ConfigurationError: it cannot be read.
    """
    if path.suffix.casefold() in WORKBOOKS:
        table = xlsx_file.read(path, None, _known)
    else:
        table = csv_file.read(path, None, _known)
    headers: list[str] = []
    rows: list[RejectedRow] = []
    more = 0
    for row in table.rows:
        cells = [cell if isinstance(cell, str) else text_of(cell) for cell in row.cells]
        if not headers:
            headers = cells if _known(cells) == len(OURS) else []
        elif len(rows) == MOST_ROWS:
            more += 1
        else:
            rows.append(_row(headers, cells))
    return Rejected([header for header in headers if plain_header(header) not in OURS], rows, more)


def _known(cells: Sequence[str]) -> int:
    """Count the headers that only files of rejected rows have."""
    return sum(plain_header(cell) in OURS for cell in cells)


def _row(headers: list[str], cells: list[str]) -> RejectedRow:
    named = dict(zip(map(plain_header, headers), cells, strict=False))
    own = [
        cells[index] if index < len(cells) else ""
        for index, header in enumerate(headers)
        if plain_header(header) not in OURS
    ]
    return RejectedRow(named.get(OURS[0], ""), named.get(OURS[1], ""), own)
