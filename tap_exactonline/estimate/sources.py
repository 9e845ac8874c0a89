"""List the sources of a run: which lists it will read, for which streams, and which rows."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from exactonline_client.http.endpoints import endpoint_of
from exactonline_client.store import list_sizes
from exactonline_client.store.list_sizes import Size
from tap_exactonline.definitions.definition import MODIFIED, TIMESTAMP
from tap_exactonline.deletes import log
from tap_exactonline.divisions.selection import LIST
from tap_exactonline.extract import permissions
from tap_exactonline.readers.documents import list_holds_lines
from tap_exactonline.state import bookmarks, validity
from tap_exactonline.state.bookmarks import PARTITION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_exactonline.definitions.definition import StreamDefinition
    from tap_exactonline.estimate.planned_run import PlannedRun
    from tap_exactonline.streams.base import ExactStream

ALL, CHANGES = "all", "changes"


class Source(msgspec.Struct, frozen=True):
    """One list of one division, as the run will read it."""

    definition: StreamDefinition
    """Definition of the stream that owns the list; it need not be selected."""
    lines: StreamDefinition | None
    """Definition of the line stream that is read from the same list, if any."""
    streams: tuple[str, ...]
    """Selected streams that are read from the list."""
    division: int
    scope: str
    """Rows to read: `all`, `changes`, or `since` and the start date."""
    since: str | None = None
    """Time (UTC, ISO 8601) of the oldest change to read; None if not known."""
    checks_rights: bool = False
    """Whether a permission check is due if the list is empty."""

    @property
    def name(self) -> str:
        """Name of the stream that owns the list."""
        return self.definition.name

    @property
    def is_mixed(self) -> bool:
        """Whether the list mixes headers and lines."""
        return self.definition.endpoint.feed is not None

    @property
    def endpoint(self) -> str:
        """Endpoint under which calls to the list are counted."""
        return endpoint_of(self.definition.endpoint.uri.format(division=self.division))


class _Start(msgspec.Struct, frozen=True):
    """Rows to read of one stream; fields as in `Source`."""

    scope: str
    since: str | None = None
    checks_rights: bool = False


def list_sources(planned: PlannedRun) -> list[Source]:
    """Sources of a run that starts now, by its catalog and state."""
    definitions, context = planned.run.definitions, planned.run.context
    states = _states(planned)
    begins: dict[tuple[int, str], dict[str, _Start]] = {}
    for stream in planned.selected:
        for division in _divisions(planned, stream):
            state = states.get((stream.name, _partition(stream, division)), {})
            owner = definitions[_owner(planned, stream, division)]
            is_new = not state.get("replication_key_value")
            start = replace(
                _start(planned, stream, state, owner.bookmark),
                checks_rights=is_new
                and permissions.is_due(context.connection, division, state, context.started_at),
            )
            begins.setdefault((division, owner.name), {})[stream.name] = start
    return [
        _source(definitions, name, division, starts)
        for (division, name), starts in sorted(begins.items(), key=lambda item: item[0])
    ]


def _owner(planned: PlannedRun, stream: ExactStream, division: int) -> str:
    """Name of the stream whose list a stream is read from: its header stream, or itself."""
    headers = planned.streams.get(stream.definition.headers or "")
    if headers and list_holds_lines(planned.run.connection, headers.definition, division):
        return headers.name
    return stream.name


def _partition(stream: ExactStream, division: int) -> int | None:
    """Key of a division's state partition; None for lists of the user."""
    return None if stream.definition.stream.per_user else division


def _divisions(planned: PlannedRun, stream: ExactStream) -> list[int]:
    if stream.definition.stream.per_user:
        return [planned.run.divisions.current]
    return planned.run.divisions.of(stream.name)


def _states(planned: PlannedRun) -> Mapping[tuple[str, int | None], Mapping[str, Any]]:
    """State of each partition, by stream and division; division None for lists of the user."""
    return {
        (stream, partition.get("context", {}).get(PARTITION)): partition
        for stream, bookmark in planned.run.context.state.get("bookmarks", {}).items()
        for partition in (bookmark, *bookmark.get("partitions", ()))
    }


def _start(
    planned: PlannedRun, stream: ExactStream, state: Mapping[str, Any], column: str | None
) -> _Start:
    if column is None or not stream.is_incremental:
        return _Start(ALL)
    complete = state.get(validity.COMPLETE_UNTIL)
    bookmark = bookmarks.value(dict(state), column)
    if bookmark is not None:
        return _Start(CHANGES, bookmark if column == MODIFIED else complete)
    if column == TIMESTAMP:
        # Rows before the start date are skipped, but read.
        return _Start(CHANGES, complete) if bookmarks.LAST_TIMESTAMP in state else _Start(ALL)
    if complete is not None:
        return _Start(CHANGES, complete)
    if planned.run.context.start_date is not None:
        return _Start(f"since {planned.run.context.start_date}", planned.run.context.start_date)
    return _Start(ALL)


def _source(
    definitions: Mapping[str, StreamDefinition],
    name: str,
    division: int,
    starts: Mapping[str, _Start],
) -> Source:
    """Combine the starts of a list's streams; the one that reads the most rows decides."""
    definition = definitions[name]
    lines = definitions[definition.lines] if definition.lines else None
    scopes = {start.scope for start in starts.values()}
    sinces = [start.since for start in starts.values()]
    known = [since for since in sinces if since is not None]
    asks = any(start.checks_rights for start in starts.values())
    if ALL in scopes:
        return Source(definition, lines, tuple(starts), division, ALL, checks_rights=asks)
    scope = next((scope for scope in sorted(scopes) if scope != CHANGES), CHANGES)
    since = min(known) if len(known) == len(sinces) else None
    return Source(definition, lines, tuple(starts), division, scope, since, asks)


def expected(planned: PlannedRun, sources: list[Source]) -> dict[tuple[int, str], int]:
    """Rows of each source in an earlier run, by division and stream, as far as recorded."""
    sizes = list_sizes.known(planned.run.connection.store, planned.run.connection.app.key)
    # The recorded size does not include expanded lines.
    counted = (source for source in sources if source.lines is None or source.is_mixed)
    sized = (
        (source, sizes.get((source.division, source.name, source.scope))) for source in counted
    )
    return {(source.division, source.name): size.rows for source, size in sized if size}


def record_sizes(
    planned: PlannedRun,
    sources: list[Source],
    expected_calls: Mapping[tuple[int, tuple[str, ...]], int],
) -> None:
    """Record the rows and calls of a run's lists for later estimates.

    `expected_calls` are the estimated calls by division and streams. Lists that were not read
    completely are left out, and lists whose endpoint is called for other purposes too.
    """
    connection = planned.run.connection
    usage, now = connection.session.usage, connection.clock()
    times = Counter((source.division, source.endpoint) for source in sources)
    shared = {log.ENDPOINT} if planned.run.sends_tombstones else set()
    shared |= {
        source.endpoint for source in sources if planned.run.compared_streams & {*source.streams}
    }
    read = [
        (
            (source.division, source.name, source.scope),
            source.endpoint,
            expected_calls.get((source.division, source.streams)),
        )
        for source in sources
        if times[source.division, source.endpoint] == 1
        and usage.calls_by_endpoint[source.division, source.endpoint]
        and source.endpoint not in shared
        and _is_whole(planned, source)
    ]
    if usage.rows_by_endpoint[planned.run.divisions.current, LIST]:
        read.append(((planned.run.divisions.current, LIST, ALL), LIST, None))
    sizes = [
        Size(
            *key,
            rows=usage.rows_by_endpoint[key[0], endpoint],
            calls=usage.calls_by_endpoint[key[0], endpoint],
            at=now,
            read_at=now,
            expected=expected,
        )
        for key, endpoint, expected in read
    ]
    list_sizes.note(connection.store, connection.app.key, sizes)


def _is_whole(planned: PlannedRun, source: Source) -> bool:
    """Whether a list was read completely."""
    list_names = {
        f"{name} of division {source.division}" for name in (source.name, *source.streams)
    }
    return planned.run.failures.is_open(source.division) and planned.run.failures.is_whole(
        *list_names
    )
