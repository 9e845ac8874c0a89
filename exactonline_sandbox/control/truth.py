"""The expected result of a load: rows of a stream in plain types."""

from __future__ import annotations

import base64
import json
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from exactonline_sandbox.edm.model import schema
from exactonline_sandbox.edm.values import encode_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from exactonline_sandbox.books.tables import Row, Table
    from exactonline_sandbox.config import User
    from exactonline_sandbox.world import World


class NoSuchStreamError(Exception):
    """The catalogue has no stream of that name."""


def truth(world: World, division: int, stream_name: str, user: User) -> Iterator[str]:
    """The rows of a stream, as lines of JSON.

    Timestamps are ISO in UTC with milliseconds, dates are `YYYY-MM-DD`, numbers are JSON numbers,
    codes are trimmed, and empty values are null.

    Raises:
        NoSuchStreamError: The catalogue has no such stream.
    """
    stream = schema().catalogue.streams.get(stream_name)
    if stream is None:
        raise NoSuchStreamError(stream_name)
    company = world.company(division)
    endpoint = str(stream.plain or stream.bulk or stream.sync)
    if stream.per_user:
        table = world.user_table(endpoint, user, division)
        view = world.view(endpoint, company, endpoint)
    else:
        view = world.view(endpoint, company)
        table = world.rows_of(endpoint, company)
    views = dict.fromkeys(view.columns, view)
    sync = schema().catalogue.endpoints.get(stream.sync or "")
    if sync is not None and sync.feed is None:
        # A few columns exist on the sync endpoint only.
        more = world.view(sync.id, company)
        views = dict.fromkeys(more.columns, more) | views
    views.pop("Timestamp", None)
    own = {name: one.default(name) for name, one in views.items() if one.is_own(name)}
    readers = {name: one.reader(name) for name, one in views.items() if name not in own}
    return _lines(own, readers, table)


def _lines(
    own: Mapping[str, object], readers: Mapping[str, Callable[[Row], object]], table: Table
) -> Iterator[str]:
    """Encode the rows: their own columns, or the defaults, and joined and computed ones."""
    # Calls may change the table while this streams.
    for row in list(table.rows.values()):
        values = {name: row.get(name, default) for name, default in own.items()}
        values |= {name: read(row) for name, read in readers.items()}
        yield _ENCODER.encode(values) + "\n"


def _plain(value: object) -> object:
    """A value that JSON does not know, in a plain type."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return encode_number(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(value)


_ENCODER = json.JSONEncoder(ensure_ascii=False, default=_plain)
