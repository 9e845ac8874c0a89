"""Decode API rows to JSON types; unreadable values become null and are reported."""

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
    from exactonline_client.odata.records import DecodedRow

    NoteUnreadable = Callable[[str, str, Mapping[str, Any]], None]
    """Receives the problem, its outcome, and the key of the row."""


def decoder(
    columns: Iterable[Property], zone: ZoneInfo, key: Sequence[str], note: NoteUnreadable
) -> Callable[[Row], Row]:
    """Make a function that decodes a row to JSON types, see `odata.decoding.decoder`.

    An unreadable value becomes null and is passed to `note` with the `key` of the row.
    """
    wrong: list[decoding.WrongType] = []
    decode = decoding.decoder(columns, zone, wrong.append)

    def decoded(row: Row) -> Row:
        decoded_row = decode(row)
        if wrong:
            key_values = {column: decoded_row.get(column) for column in key}
            for error in wrong:
                note(str(error), "sent as null", key_values)
            wrong.clear()
        return decoded_row

    return decoded


def rows_with_key(
    rows: Sequence[DecodedRow], key: Sequence[str], note: NoteUnreadable
) -> list[DecodedRow]:
    """Decoded rows whose key is complete; the others are passed to `note`.

    Raises:
        UnexpectedAnswer: none of several rows has a complete key.
    """
    if not key:
        return [*rows]
    values = itemgetter(*key) if len(key) > 1 else lambda row: (row[key[0]],)
    keyless = [row for row in rows if None in values(row)]
    if not keyless:
        return [*rows]
    if len(keyless) == len(rows) > 1:
        raise UnexpectedAnswer(
            f"None of {len(rows)} rows has {' and '.join(key)}, so they were not read. "
            "Please report this."
        )
    for row in keyless:
        key_values = {column: row[column] for column in key}
        missing = " and ".join(column for column in key if row[column] is None)
        note(f"{missing} is missing", "rows left out", key_values)
    return [row for row in rows if None not in values(row)]
