"""Read a CSV file: its encoding, its delimiter and its rows."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, TextIO

from exactonline_cli.spreadsheet.spool import Spool
from exactonline_cli.spreadsheet.table import Row, Table
from exactonline_client.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
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
SAMPLE_SIZE = 100_000
"""Characters that are read at once."""
LONGEST_CELL = 1_000_000
LONGEST_MARK = 3
LONGEST_SEPARATOR = 10
"""Characters of a line that names the delimiter."""

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
    encoding = _encoding(path, encoding)
    csv.field_size_limit(LONGEST_CELL)
    with path.open(encoding=encoding, newline="") as file:
        delimiter, first = _named_delimiter(file)
        file.seek(first)
        delimiter = delimiter or _delimiter(file.read(SAMPLE_SIZE), known)
        file.seek(first)
        rows: Spool[Row] = Spool()
        try:
            for number, cells in enumerate(csv.reader(file, delimiter=delimiter), start=1):
                rows.append(Row(number, list(cells)))
        except csv.Error as error:
            raise ConfigurationError(
                f"{path.name} cannot be read as CSV ({error}). Save it again as CSV UTF-8."
            ) from None
    return Table(rows, encoding=encoding, delimiter=delimiter)


def _named_delimiter(file: TextIO) -> tuple[str | None, int]:
    """The delimiter that the first line names, and where the rows begin.

    A spreadsheet takes such a line as a word to itself, and does not count it as a row.
    """
    start = file.tell()
    line = file.readline(LONGEST_SEPARATOR)
    if line[: len(_SEPARATOR)].casefold() != _SEPARATOR:
        return None, start
    return line.rstrip("\r\n")[len(_SEPARATOR) :][:1] or None, file.tell()


def _encoding(path: Path, encoding: str | None) -> str:
    """The encoding of a file by its byte order mark, else UTF-8, else Windows-1252.

    Raises:
        ConfigurationError: none of them fits.
    """
    with path.open("rb") as file:
        start = file.read(LONGEST_MARK)
    marked = next((each for mark, each in MARKS.items() if start.startswith(mark)), None)
    certain = encoding or marked
    for candidate in (certain,) if certain else ("utf-8", "cp1252"):
        if _is_in(path, candidate):
            return candidate
    if encoding and not _is_known(encoding):
        raise ConfigurationError(
            f"--encoding: there is no encoding {encoding}. Name one such as utf-8 or cp1252, or "
            "none to have it found out."
        )
    tried = encoding or marked or "UTF-8 or Windows-1252"
    raise ConfigurationError(
        f"{path.name} is not text in {tried}. Save it as CSV UTF-8, or name its encoding with "
        "--encoding."
    )


def _is_in(path: Path, encoding: str) -> bool:
    """Whether a whole file can be read in an encoding."""
    try:
        with path.open(encoding=encoding, newline="") as file:
            while file.read(SAMPLE_SIZE):
                pass
    except (UnicodeError, LookupError):
        return False
    return True


def _is_known(encoding: str) -> bool:
    try:
        codecs.lookup(encoding)
    except LookupError:
        return False
    return True


def _delimiter(text: str, known: Callable[[Sequence[str]], int]) -> str:
    """The delimiter by which most headers are known, and most rows are of one width."""

    def fitness(delimiter: str) -> tuple[int, int, int]:
        try:
            rows = list(
                islice(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), SAMPLE)
            )
        except csv.Error:
            return 0, 0, 0
        widths = Counter(len(row) for row in rows if any(row))
        width, count = max(widths.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
        return max(map(known, rows), default=0), count if width > 1 else 0, width

    return max(DELIMITERS, key=fitness)
