"""How a stream is read: from which endpoint, which columns, and by which bookmark."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from exactonline_client.catalogue import Property

if TYPE_CHECKING:
    from exactonline_client.catalogue import Catalogue, Endpoint, Stream

DIVISION = Property("Division", "Edm.Int32")
TIMESTAMP, MODIFIED = "Timestamp", "Modified"
HEADER_LINE_NUMBER = 0
"""In a list that mixes headers and lines, the line number of a header."""


@dataclass(frozen=True)
class Plan:
    """The way one stream is read."""

    stream: Stream
    endpoint: Endpoint
    columns: dict[str, Property]
    """What a record holds, by name; `Division` is always among them."""

    @property
    def name(self) -> str:
        """The stream's name."""
        return self.stream.name

    @cached_property
    def primary_keys(self) -> tuple[str, ...]:
        """The key of a record: that of its entity, within its division."""
        if self.stream.per_user:
            return self.stream.key
        return (DIVISION.name, *(key for key in self.stream.key if key != DIVISION.name))

    @cached_property
    def bookmark(self) -> str | None:
        """The column that grows with every change: `Timestamp`, `Modified`, or none."""
        if self.stream.per_user:
            return None
        if self.endpoint.kind == "sync":
            return TIMESTAMP
        if self.must_filter and MODIFIED not in self.endpoint.filter_fields:
            return None
        return MODIFIED if MODIFIED in self.columns else None

    @property
    def must_filter(self) -> bool:
        """Whether some apps have to filter here, on fields that are listed.

        Exact demands that on plain and bulk endpoints of entities that have a sync one.
        """
        return bool(self.stream.sync and self.endpoint.filter_fields)

    @property
    def is_header(self) -> bool:
        """Whether this is the header half of a list that mixes headers and lines."""
        feed = self.endpoint.feed
        return bool(feed) and feed["header"] == self.stream.plain  # type: ignore[index]

    @property
    def is_line(self) -> bool:
        """Whether this is the line half of such a list."""
        return bool(self.endpoint.feed) and not self.is_header


def plans(catalogue: Catalogue, *, use_sync: bool) -> list[Plan]:
    """The plan of every stream: the sync endpoint first, then bulk, then the plain one.

    A sync page and a bulk page hold 1,000 rows, a plain one 60.
    """
    return [_plan(catalogue, stream, use_sync=use_sync) for stream in catalogue.streams.values()]


def _plan(catalogue: Catalogue, stream: Stream, *, use_sync: bool) -> Plan:
    others = stream.bulk or stream.plain
    chosen = stream.sync if stream.sync and (use_sync or not others) else others
    if chosen is None:
        raise ValueError(stream.name)
    endpoint = catalogue.endpoints[chosen]
    columns = dict(endpoint.columns)
    if endpoint.feed and stream.plain:
        own = catalogue.endpoints[stream.plain].columns
        columns = {name: item for name, item in columns.items() if name in own or name == TIMESTAMP}
    columns.setdefault(DIVISION.name, DIVISION)
    return Plan(stream, endpoint, columns)
