"""The lists that a run reads: which streams each feeds, from where on, and what it then took."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from exactonline_client.http.error_budget import endpoint_of
from exactonline_client.store import list_sizes
from exactonline_client.store.list_sizes import Size
from tap_exactonline.definitions.definition import MODIFIED, TIMESTAMP
from tap_exactonline.deletes import log
from tap_exactonline.divisions.selection import LIST
from tap_exactonline.extract import permissions
from tap_exactonline.readers.documents import brings_lines
from tap_exactonline.state import bookmarks, validity
from tap_exactonline.state.bookmarks import PARTITION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_exactonline.definitions.definition import Plan
    from tap_exactonline.readers.run import Run
    from tap_exactonline.streams.base import ExactStream

ALL, CHANGES = "all", "changes"


@dataclass(frozen=True)
class PlannedRun:
    """A run before or behind its reading, with the streams that it may read."""

    run: Run
    streams: Mapping[str, ExactStream]

    @property
    def selected(self) -> list[ExactStream]:
        """The streams that the user wants."""
        return [stream for stream in self.streams.values() if stream.selected]


@dataclass(frozen=True)
class Source:
    """One list of one division, as the next run will read it."""

    plan: Plan
    """That of the stream the list belongs to, which need not be selected itself."""
    lines: Plan | None
    """That of the stream which gets its rows from the same list, where there is one."""
    streams: tuple[str, ...]
    """The selected streams that it feeds."""
    division: int
    scope: str
    """Which rows are read: `all`, `changes`, or `since` the start date."""
    since: str | None = None
    """The moment (UTC, ISO) from which rows are read; None where that is not known."""
    asks_for_rights: bool = False
    """Whether the run asks about the user's rights where the list is empty."""

    @property
    def name(self) -> str:
        """The stream the list belongs to."""
        return self.plan.name

    @property
    def is_mixed(self) -> bool:
        """Whether the rows of both streams lie side by side in the list."""
        return self.plan.endpoint.feed is not None

    @property
    def endpoint(self) -> str:
        """What calls to the list are counted by."""
        return endpoint_of(self.plan.endpoint.uri.format(division=self.division))


@dataclass(frozen=True)
class _Start:
    """Where the reading of one stream begins."""

    scope: str
    since: str | None = None
    asks_for_rights: bool = False


def of(planned: PlannedRun) -> list[Source]:
    """The lists that a run would read now, judged by its catalog and its state."""
    plans, context = planned.run.plans, planned.run.context
    states = _states(planned)
    begins: dict[tuple[int, str], dict[str, _Start]] = {}
    for stream in planned.selected:
        for division in _divisions(planned, stream):
            state = states.get((stream.name, _place(stream, division)), {})
            owner = plans[_owner(planned, stream, division)]
            is_new = not state.get("replication_key_value")
            start = replace(
                _start(planned, stream, state, owner.bookmark),
                asks_for_rights=is_new
                and permissions.is_due(context.connection, division, state, context.started_at),
            )
            begins.setdefault((division, owner.name), {})[stream.name] = start
    return [
        _source(plans, name, division, starts)
        for (division, name), starts in sorted(begins.items(), key=lambda item: item[0])
    ]


def _owner(planned: PlannedRun, stream: ExactStream, division: int) -> str:
    """The stream whose list a stream gets its rows from: its headers', where they bring them."""
    headers = planned.streams.get(stream.plan.headers or "")
    if headers and brings_lines(planned.run.connection, headers.plan, division):
        return headers.name
    return stream.name


def _place(stream: ExactStream, division: int) -> int | None:
    """Which partition of the state a division has; lists of the user have one for all."""
    return None if stream.plan.stream.per_user else division


def _divisions(planned: PlannedRun, stream: ExactStream) -> list[int]:
    if stream.plan.stream.per_user:
        return [planned.run.divisions.current]
    return planned.run.divisions.of(stream.name)


def _states(planned: PlannedRun) -> Mapping[tuple[str, int | None], Mapping[str, Any]]:
    """The state of each partition, by stream and division; that of the user's lists by None."""
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
    found = bookmarks.start(dict(state), column)
    if found is not None:
        return _Start(CHANGES, found if column == MODIFIED else complete)
    if column == TIMESTAMP:
        # What is too old is left out, but read.
        return _Start(CHANGES, complete) if bookmarks.LAST_TIMESTAMP in state else _Start(ALL)
    if complete is not None:
        return _Start(CHANGES, complete)
    if planned.run.context.start_date is not None:
        return _Start(f"since {planned.run.context.start_date}", planned.run.context.start_date)
    return _Start(ALL)


def _source(
    plans: Mapping[str, Plan], name: str, division: int, starts: Mapping[str, _Start]
) -> Source:
    """The list as the stream that is furthest behind needs it."""
    plan = plans[name]
    lines = plans[plan.lines] if plan.lines else None
    scopes = {start.scope for start in starts.values()}
    sinces = [start.since for start in starts.values()]
    known = [since for since in sinces if since is not None]
    asks = any(start.asks_for_rights for start in starts.values())
    if ALL in scopes:
        return Source(plan, lines, tuple(starts), division, ALL, asks_for_rights=asks)
    scope = next((scope for scope in sorted(scopes) if scope != CHANGES), CHANGES)
    since = min(known) if len(known) == len(sinces) else None
    return Source(plan, lines, tuple(starts), division, scope, since, asks)


def expected(planned: PlannedRun, sources: list[Source]) -> dict[tuple[int, str], int]:
    """By division and stream, the rows that such a read had the last time, where that is known."""
    sizes = list_sizes.known(planned.run.connection.store, planned.run.connection.app.key)
    # Lines that come along inside their headers' rows are not counted in their size.
    counted = (source for source in sources if source.lines is None or source.is_mixed)
    found = (
        (source, sizes.get((source.division, source.name, source.scope))) for source in counted
    )
    return {(source.division, source.name): size.rows for source, size in found if size}


def note(
    planned: PlannedRun,
    sources: list[Source],
    expected_calls: Mapping[tuple[int, tuple[str, ...]], int],
) -> None:
    """Keep on record what the lists of a run had and took, for later estimates.

    `expected_calls` are by division and streams, for the lists of which they were known.
    A list that was not read to its end is left out, as is one whose address is read for other
    ends too: what was its share cannot be told.
    """
    connection = planned.run.connection
    usage, now = connection.session.usage, connection.clock()
    times = Counter((source.division, source.endpoint) for source in sources)
    shared = {log.ENDPOINT} if planned.run.sends_tombstones else set()
    shared |= {source.endpoint for source in sources if planned.run.compared & {*source.streams}}
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
    """Whether a list was read to its end."""
    what = {f"{name} of division {source.division}" for name in (source.name, *source.streams)}
    return planned.run.failures.is_open(source.division) and planned.run.failures.is_whole(*what)
