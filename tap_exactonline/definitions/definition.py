"""Stream definitions from the catalogue: endpoint, columns, primary key and bookmark column."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from exactonline_client.catalogue import Property

if TYPE_CHECKING:
    from exactonline_client.catalogue import Catalogue, Endpoint, Stream

DIVISION = Property("Division", "Edm.Int32")
TIMESTAMP, MODIFIED = "Timestamp", "Modified"
DELETED_DATE = "DeletedDate"
"""Column of the deleted log: when a row was deleted."""
LINE_NUMBER = "LineNumber"
HEADER_LINE_NUMBER = 0
"""Line number of a header in a list that mixes headers and lines."""


class StreamDefinition(msgspec.Struct, frozen=True, dict=True):
    """How one stream is read."""

    stream: Stream
    endpoint: Endpoint
    columns: dict[str, Property]
    """Columns of a record by name; always includes `Division`."""
    lines: str | None = None
    """Name of the line stream that is read from this stream's list, if any."""
    expand: str | None = None
    """Navigation property that holds the lines of a header; None if headers and lines are mixed."""
    headers: str | None = None
    """Name of the header stream whose list this stream is read from, if any."""

    @property
    def name(self) -> str:
        """Name of the stream."""
        return self.stream.name

    @cached_property
    def primary_keys(self) -> tuple[str, ...]:
        """Key of a record: `Division` and the key of the entity."""
        if self.stream.per_user or not self.stream.key:
            return self.stream.key
        return (DIVISION.name, *(key for key in self.stream.key if key != DIVISION.name))

    @cached_property
    def bookmark(self) -> str | None:
        """Replication key: `Timestamp`, `Modified`, or None for full-table streams."""
        if self.stream.per_user:
            return None
        if self.endpoint.kind == "sync":
            return TIMESTAMP
        if self.requires_filter and MODIFIED not in self.endpoint.filter_fields:
            return None
        return MODIFIED if MODIFIED in self.columns else None

    @property
    def changed_column(self) -> str:
        """Column with the time of a row's last change."""
        return MODIFIED if MODIFIED in self.endpoint.columns else DELETED_DATE

    @property
    def allows_star(self) -> bool:
        """Whether `$select=*` may be sent.

        Some sync endpoints refuse it, and `$expand` needs the columns of headers and lines named.
        """
        comes_along = self.headers is not None and self.endpoint.kind == "crud"
        return not (self.endpoint.select_star_forbidden or self.expand or comes_along)

    @property
    def requires_filter(self) -> bool:
        """Whether Exact requires a filter on one of the endpoint's filter fields from some apps.

        It does on plain and bulk endpoints of entities that have a sync endpoint.
        """
        return bool(self.stream.sync and self.endpoint.filter_fields)


def stream_definitions(catalogue: Catalogue, *, use_sync: bool) -> list[StreamDefinition]:
    """Definition of every stream; prefers the sync endpoint, then bulk, then plain.

    A page of a sync or bulk endpoint holds 1,000 rows, of a plain endpoint 60.
    """
    streams = catalogue.streams.values()
    definitions = {
        stream.name: _definition(catalogue, stream, use_sync=use_sync) for stream in streams
    }
    for definition in list(definitions.values()):
        link = definition.stream.parent
        parent = definitions.get(link.stream) if link else None
        if link is None or parent is None:
            continue
        if _shares_list(definition, parent):
            definitions[parent.name] = replace(parent, lines=definition.name)
        elif _is_read_with_parent(definition, parent):
            definitions[parent.name] = replace(
                parent, lines=definition.name, expand=link.navigation
            )
        else:
            continue
        definitions[definition.name] = replace(definition, headers=parent.name)
    return list(definitions.values())


def _shares_list(definition: StreamDefinition, parent: StreamDefinition) -> bool:
    """Whether the rows of both streams are mixed in one list."""
    return definition.endpoint.feed is not None and definition.endpoint.id == parent.endpoint.id


def _is_read_with_parent(definition: StreamDefinition, parent: StreamDefinition) -> bool:
    """Whether to read lines by expanding their headers.

    So if the headers have `Modified` and the lines have no bookmark column: the list of lines would
    have to be read whole every time.
    """
    plain = definition.endpoint.kind == parent.endpoint.kind == "crud"
    navigation = (
        definition.stream.parent is not None and definition.stream.parent.navigation is not None
    )
    return plain and navigation and definition.bookmark is None and parent.bookmark == MODIFIED


def _definition(catalogue: Catalogue, stream: Stream, *, use_sync: bool) -> StreamDefinition:
    without_sync = stream.bulk or stream.plain
    endpoint_id = stream.sync if stream.sync and (use_sync or not without_sync) else without_sync
    if endpoint_id is None:
        raise ValueError(stream.name)
    endpoint = catalogue.endpoints[endpoint_id]
    columns = dict(endpoint.columns)
    if endpoint.feed and stream.plain:
        own = catalogue.endpoints[stream.plain].columns
        columns = {name: item for name, item in columns.items() if name in own or name == TIMESTAMP}
    columns.setdefault(DIVISION.name, DIVISION)
    return StreamDefinition(stream, endpoint, columns)
