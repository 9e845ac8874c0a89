"""Rows of the API in plain types; what cannot be read is null, and noted."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

from exactonline_client.errors import UnexpectedAnswer
from exactonline_client.odata import decoding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from exactonline_client.catalogue import Property
    from exactonline_client.odata.decoding import Row

    Note = Callable[[str, str, Mapping[str, Any]], None]
    """Takes what is wrong, what became of it, and the key of the row."""


def decoder(
    columns: Iterable[Property], zone: ZoneInfo, key: Sequence[str], note: Note
) -> Callable[[Row], Row]:
    """A function that turns a row into one of plain JSON types, see `odata.decoding.decoder`.

    A value that cannot be read is null in it; `note` is told which, with the row's `key`.
    """
    wrong: list[decoding.WrongType] = []
    decode = decoding.decoder(columns, zone, wrong.append)

    def decoded(row: Row) -> Row:
        found = decode(row)
        if wrong:
            which = {column: found.get(column) for column in key}
            for error in wrong:
                note(str(error), "sent as null", which)
            wrong.clear()
        return found

    return decoded


def keyed(rows: list[Row], key: Sequence[str], note: Note) -> list[Row]:
    """Those of the decoded rows that can be told apart; `note` is told of the others.

    Raises:
        UnexpectedAnswer: none of several can, which is no matter of a row.
    """
    if not key:
        return rows
    values = itemgetter(*key) if len(key) > 1 else lambda row: (row[key[0]],)
    lost = [row for row in rows if None in values(row)]
    if not lost:
        return rows
    if len(lost) == len(rows) > 1:
        raise UnexpectedAnswer(
            f"None of {len(rows)} rows has {' and '.join(key)}, so they were not read. "
            "Please report this."
        )
    for row in lost:
        which = {column: row[column] for column in key}
        missing = " and ".join(column for column in key if row[column] is None)
        note(f"{missing} is missing", "rows left out", which)
    return [row for row in rows if None not in values(row)]
