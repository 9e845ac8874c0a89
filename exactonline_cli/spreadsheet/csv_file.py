"""Read a CSV file: its encoding, its delimiter and its rows."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from typing import TYPE_CHECKING

from exactonline_cli.spreadsheet.table import Row, Table
from exactonline_client.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

DELIMITERS = (";", ",", "\t", "|")
MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""What a file may begin with, and the encoding that it means."""
SAMPLE = 30
"""Rows by which the delimiter is found."""
SHOWN = {"\t": "tab", ";": "semicolon", ",": "comma", "|": "bar"}
"""Names of delimiters."""
LONGEST_CELL = 1_000_000

_SEPARATOR = "sep="


def read(path: Path, encoding: str | None, known: Callable[[Sequence[str]], int]) -> Table:
    """Read a CSV file.

    Args:
        path: of the file.
        encoding: a name that Python knows; None to find it out.
        known: how many of some cells are headers that are known.

    Raises:
        ConfigurationError: the file is in another encoding, or is no CSV.
    """
    data = path.read_bytes()
    text, encoding = _decoded(data, encoding, path.name)
    delimiter = None
    if text[: len(_SEPARATOR)].casefold() == _SEPARATOR:
        # A spreadsheet takes this line as a word to itself, and does not count it as a row.
        line, _, text = text.partition("\n")
        delimiter = line.rstrip("\r")[len(_SEPARATOR) :][:1] or None
    delimiter = delimiter or _delimiter(text, known)
    csv.field_size_limit(LONGEST_CELL)
    try:
        rows = [
            Row(number, list(cells))
            for number, cells in enumerate(_records(text, delimiter), start=1)
        ]
    except csv.Error as error:
        raise ConfigurationError(
            f"{path.name} cannot be read as CSV ({error}). Save it anew as CSV UTF-8."
        ) from None
    return Table(rows, encoding=encoding, delimiter=delimiter)


def _records(text: str, delimiter: str) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)


def _decoded(data: bytes, encoding: str | None, name: str) -> tuple[str, str]:
    """Decode a file by its byte order mark, else as UTF-8, else as Windows-1252.

    Raises:
        ConfigurationError: none of them fits.
    """
    marked = next((each for mark, each in MARKS.items() if data.startswith(mark)), None)
    certain = encoding or marked
    for candidate in (certain,) if certain else ("utf-8", "cp1252"):
        text = _in(data, candidate)
        if text is not None:
            return text, candidate
    tried = encoding or marked or "UTF-8 or Windows-1252"
    raise ConfigurationError(
        f"{name} is no text in {tried}. Save it as CSV UTF-8, or name its encoding with --encoding."
    )


def _in(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (UnicodeError, LookupError):
        return None


def _delimiter(text: str, known: Callable[[Sequence[str]], int]) -> str:
    """The delimiter by which most headers are known, and most rows are of one width."""

    def fitness(delimiter: str) -> tuple[int, int, int]:
        try:
            rows = [row for row, _ in zip(_records(text, delimiter), range(SAMPLE), strict=False)]
        except csv.Error:
            return 0, 0, 0
        widths = Counter(len(row) for row in rows if any(row))
        width, count = max(widths.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
        return max(map(known, rows), default=0), count if width > 1 else 0, width

    return max(DELIMITERS, key=fitness)
