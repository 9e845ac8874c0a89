"""Rows of the API in plain types, or an error that names the row and the field that is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exactonline_client import odata
from exactonline_client.errors import UnexpectedAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from zoneinfo import ZoneInfo

    from exactonline_client.catalogue import Property
    from exactonline_client.odata import Row


def decoder(
    name: str,
    key: Sequence[str],
    columns: Iterable[Property],
    zone: ZoneInfo,
    needed: Sequence[str] = (),
) -> Callable[[Row], Row]:
    """A function that turns a row into one of plain JSON types, see `odata.decoder`.

    `name` is what an error calls the list, `key` the columns by which it names the row, and
    `needed` those that no row may lack.

    Raises (the function):
        UnexpectedAnswer: a value is of another type than it should be, or missing.
    """
    decode = odata.decoder(columns, zone)

    def decoded(row: Row) -> Row:
        try:
            found = decode(row)
        except odata.WrongType as error:
            raise _wrong(str(error), row) from None
        for column in needed:
            if found[column] is None:
                raise _wrong(f"{column} is missing", row)
        return found

    def _wrong(what: str, row: Row) -> UnexpectedAnswer:
        which = {column: row.get(column) for column in key}
        return UnexpectedAnswer(
            f"{name}, row {which}: {what}. The rows behind it were not read; please report this."
        )

    return decoded
