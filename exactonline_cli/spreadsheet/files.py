"""Read a file by its kind: a workbook, or text with delimiters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exactonline_cli.spreadsheet import csv_file, xlsx_file
from exactonline_client.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from exactonline_cli.spreadsheet.headers import Vocabulary
    from exactonline_cli.spreadsheet.table import Table

WORKBOOKS = (".xlsx", ".xlsm")
ARCHIVE, OLD_WORKBOOK = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
"""What workbooks begin with: .xlsx, and .xls or one that is protected by a password."""
OTHERS = (".ods", ".numbers", ".pdf")


def read(path: Path, known: Vocabulary, encoding: str | None, sheet: str | None) -> Table:
    """The table in a file.

    Args:
        path: of a workbook or of a CSV file.
        known: headers by which the delimiter and the sheet are found.
        encoding: of a CSV file; None to find it out.
        sheet: of a workbook; None to find it out.

    Raises:
        ConfigurationError: it cannot be read; the message says what to do.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read ({error.strerror}).") from None
    if not start:
        raise ConfigurationError(f"{path.name} is empty.")
    if start == OLD_WORKBOOK:
        raise ConfigurationError(
            f"{path.name} is an old workbook (.xls), or protected by a password. Open it in Excel, "
            "save it as .xlsx without a password, and import again."
        )
    suffix = path.suffix.casefold()
    if suffix in OTHERS:
        raise ConfigurationError(
            f"{path.name} cannot be read: save it as .xlsx or CSV UTF-8, and import that."
        )
    if start == ARCHIVE or suffix in WORKBOOKS:
        return xlsx_file.read(path, sheet, known.count)
    return csv_file.read(path, encoding, known.count)
