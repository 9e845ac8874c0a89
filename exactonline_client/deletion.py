"""The column `_sdc_deleted_at`, which marks a record as deleted at its source."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from exactonline_client.odata.timestamps import parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping

DELETED_AT = "_sdc_deleted_at"
FALSE = {"", "0", "false"}
YEARS = range(1971, 9999)
"""Plausible years. Some programs write their first or last date in place of null."""


class Mark(Enum):
    """State of a record according to the column."""

    ALIVE = auto()
    DELETED = auto()
    UNCLEAR = auto()
    """The value is neither empty, false nor the time of a deletion."""


def marks_in(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of the column by its name; some databases write names in capitals."""
    return {name: value for name, value in record.items() if name.casefold() == DELETED_AT}


def mark_of(record: Mapping[str, Any]) -> Mark:
    """Return whether a record is marked as deleted."""
    marks = {_read(value) for value in marks_in(record).values()}
    return next((mark for mark in (Mark.UNCLEAR, Mark.DELETED) if mark in marks), Mark.ALIVE)


def _read(value: object) -> Mark:
    if value is None or (isinstance(value, (bool, int, float, Decimal)) and value == 0):
        return Mark.ALIVE
    if isinstance(value, str) and value.strip().casefold() in FALSE:
        return Mark.ALIVE
    try:
        parsed = parse_timestamp(value) if isinstance(value, str) else value
    except ValueError:
        return Mark.UNCLEAR
    is_timestamp = isinstance(parsed, date) and parsed.year in YEARS
    return Mark.DELETED if is_timestamp else Mark.UNCLEAR
