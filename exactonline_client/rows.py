"""Rows of a stream as dicts, for programs that use the client without Singer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exactonline_client import catalogue
from exactonline_client.errors import ConfigurationError
from exactonline_client.odata.decoding import decoder
from exactonline_client.odata.query import match_all, url

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exactonline_client.catalogue import Endpoint, Stream
    from exactonline_client.connection import Connection
    from exactonline_client.odata.decoding import Row


def read(
    connection: Connection,
    stream: str,
    division: int,
    *,
    columns: Sequence[str] | None = None,
    where: str | None = None,
) -> Iterator[Row]:
    """Yield the rows of a stream in plain types: numbers, texts, ISO dates and times in UTC.

    Args:
        connection: from `connect`.
        stream: its name, such as `accounts`.
        division: number of the company.
        columns: names of the columns to read; None for all.
        where: condition in OData, such as `Status eq 'C'`.

    Raises:
        ConfigurationError: there is no such stream or column.
        The errors of `Session.read`.
    """
    known = catalogue.load()
    if stream not in known.streams:
        raise ConfigurationError(f"There is no stream '{stream}'. See docs/streams.md for all.")
    endpoint = _endpoint(known.streams[stream], known.endpoints)
    chosen = list(columns or endpoint.columns)
    unknown = [name for name in chosen if name not in endpoint.columns]
    if unknown:
        raise ConfigurationError(f"Stream '{stream}' has no column {', '.join(unknown)}.")
    every = "Timestamp gt 0L" if endpoint.kind == "sync" else None
    if endpoint.sync_twin or endpoint.kind == "bulk":
        every = match_all(endpoint, division)
    address = url(
        endpoint.uri.format(division=division),
        {"$select": ",".join(chosen), "$filter": where or every},
    )
    decode = decoder([endpoint.columns[name] for name in chosen], connection.zone)
    for page in connection.pages(address, division):
        yield from map(decode, page.rows)


def _endpoint(stream: Stream, endpoints: dict[str, Endpoint]) -> Endpoint:
    """Return the endpoint with the largest pages that takes any condition."""
    return endpoints[stream.bulk or stream.plain or stream.sync or ""]
