"""Estimate the cost of a run: calls by list and division, minutes, and days.

The rows of a list are taken from the last run or from `$count`, which takes one call. A list whose
rows are unknown is estimated as at least one call.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa
from msgspec.structs import replace

from exactonline_client import catalogue
from exactonline_client.errors import NOT_READABLE, DailyLimitReached, UnexpectedAnswer
from exactonline_client.odata.query import match_all, url
from exactonline_client.store import list_sizes
from exactonline_client.store.list_sizes import Size
from exactonline_client.store.tables import budgets
from tap_exactonline.definitions.custom import CustomDefinition
from tap_exactonline.definitions.definition import MODIFIED
from tap_exactonline.deletes import log
from tap_exactonline.divisions.selection import LIST
from tap_exactonline.estimate.sources import ALL, CHANGES
from tap_exactonline.extract.query import all_of
from tap_exactonline.readers import attachments
from tap_exactonline.state.bookmarks import modified_filter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import requests

    from exactonline_client.connection import Connection
    from exactonline_client.store.list_sizes import Known
    from tap_exactonline.definitions.definition import StreamDefinition
    from tap_exactonline.estimate.planned_run import PlannedRun
    from tap_exactonline.estimate.sources import Source

PAGE, BIG_PAGE = 60, 1000
"""Rows per call on plain endpoints, and on sync and bulk endpoints."""
CALLS_A_MINUTE, CALLS_A_DAY = 60, 5000
"""Rate limits of a division until an answer has returned others."""
ME = "current/Me"
COUNTED, LAST_RUN = "count", "last run"


class LastRun(msgspec.Struct, frozen=True):
    """The last run that read a list."""

    calls: int
    scope: str
    """Rows that it read, see `Source.scope`."""
    expected: int | None
    """Calls that were estimated for it, if they could be."""


class Cost(msgspec.Struct, frozen=True):
    """Calls for one list of one division."""

    division: int
    streams: tuple[str, ...]
    """Streams read from the list; empty for calls of the run itself."""
    endpoint: str
    calls: int
    free_calls: int = 0
    """Calls that count against no limit; not included in `calls`."""
    scope: str = ALL
    page_size: int | None = None
    rows: int | None = None
    """None if unknown: then `calls` is a minimum."""
    known_from: str | None = None
    """`count` or `last run`."""
    last_run: LastRun | None = None
    sync_calls: int | None = None
    """Calls that the sync endpoint would take, if there is one that is not used."""


class Division(msgspec.Struct, frozen=True):
    """Total of a division."""

    division: int
    calls: int
    at_least: bool
    minutes: float
    """Minutes at the full rate limit."""
    days: int
    """Days needed within the daily limit."""


class Estimate(msgspec.Struct, frozen=True):
    """Estimated cost of a run."""

    costs: list[Cost]
    divisions: list[Division]
    minutes: float
    days: int

    @property
    def calls(self) -> int:
        """Total number of calls that count against a limit."""
        return sum(cost.calls for cost in self.costs)

    @property
    def free_calls(self) -> int:
        """Total number of calls that count against no limit."""
        return sum(cost.free_calls for cost in self.costs)

    @property
    def expected_calls(self) -> Mapping[tuple[int, tuple[str, ...]], int]:
        """Calls for each list whose rows are known, by division and streams."""
        known = (cost for cost in self.costs if cost.rows is not None)
        return {(cost.division, cost.streams): cost.calls for cost in known}

    @property
    def at_least(self) -> bool:
        """Whether the estimate is a minimum."""
        return any(division.at_least for division in self.divisions)


def uncounted(planned: PlannedRun, lists: Iterable[Source], days: float) -> list[Source]:
    """Lists that can be counted and have no recorded size from the last `days`.

    An earlier count of changes is not reused.
    """
    known = {
        key
        for key, size in _fresh(
            planned.run.connection, _known(planned.run.connection), days
        ).items()
        if size.scope != CHANGES or not size.is_counted
    }
    return [source for source in lists if _key(source) not in known and queries(planned, source)]


def count(planned: PlannedRun, lists: Iterable[Source]) -> Iterator[str | None]:
    """Count the rows of lists, and store the numbers; one call per query.

    Yields for each list the reason why it could not be counted, or None.
    """
    connection = planned.run.connection
    closed: set[int] = set()
    for source in lists:
        if source.division in closed:
            continue
        problem = None
        try:
            rows = sum(_rows(connection, source, query) for query in queries(planned, source))
        except DailyLimitReached as error:
            closed.add(source.division)
            problem = f"division {source.division} could not be counted: {error}"
        except NOT_READABLE as error:
            list_name = f"{source.name} of division {source.division}"
            problem = f"{list_name} could not be counted: {error}"
        else:
            size = Size(*_key(source), rows, None, connection.clock())
            list_sizes.note(connection.store, connection.app.key, [size])
        yield problem


def queries(planned: PlannedRun, source: Source) -> list[str]:
    """URLs that count the rows of a list; empty if it cannot be counted.

    Sync endpoints have no `$count`: their rows are counted at the plain or bulk endpoint.
    """
    halves = [source.definition, *([source.lines] if source.lines and source.is_mixed else [])]
    candidates = [_query(planned, half, source) for half in halves]
    addresses = [address for address in candidates if address is not None]
    return addresses if len(addresses) == len(halves) else []


def _query(planned: PlannedRun, definition: StreamDefinition, source: Source) -> str | None:
    twin = definition
    own = None
    if isinstance(definition, CustomDefinition):
        if definition.sliced_by or definition.parameters or definition.endpoint.kind == "sync":
            return None
        own = definition.filter
    else:
        endpoint_id = definition.stream.plain or definition.stream.bulk
        if endpoint_id is None or definition.stream.per_user:
            return None
        twin = replace(definition, endpoint=catalogue.load().endpoints[endpoint_id])
    if twin.endpoint.kind not in ("crud", "bulk"):
        return None
    condition = None
    if source.scope != ALL or twin.requires_filter:
        may_filter = MODIFIED in twin.endpoint.columns and (
            not twin.requires_filter or MODIFIED in twin.endpoint.filter_fields
        )
        if may_filter and (source.scope == ALL or source.since):
            condition = modified_filter(source.since, planned.run.connection.zone)
        elif source.scope == ALL:
            condition = match_all(twin.endpoint, source.division)
        else:
            return None
    path = f"{twin.endpoint.uri.format(division=source.division)}/$count"
    return url(path, {"$filter": all_of(condition, own)})


def _rows(connection: Connection, source: Source, address: str) -> int:
    # `$count` returns plain text, so no Accept header for JSON.
    return connection.session.read(address, source.division, _number, headers={"Accept": None})


def _number(answer: requests.Response) -> int:
    try:
        return int(answer.content.decode("utf-8-sig"))
    except ValueError:
        raise UnexpectedAnswer("The count of the rows is not a number.") from None


def estimate(planned: PlannedRun, lists: list[Source], days: float) -> Estimate:
    """Estimate the cost of reading `lists`, by sizes recorded in the last `days`; makes no call."""
    ever = _known(planned.run.connection)
    known, runs = _fresh(planned.run.connection, ever, days), _last_runs(ever)
    costs = [
        _cost(planned, source, known, runs.get((source.division, source.name))) for source in lists
    ]
    costs += [*_files(planned, costs), *_overhead(planned, lists, ever)]
    by_division: defaultdict[int, list[Cost]] = defaultdict(list)
    for cost in costs:
        by_division[cost.division].append(cost)
    limits = _limits(planned)
    reserve = planned.run.context.config.get("daily_call_reserve") or 0
    divisions = []
    for division, division_costs in sorted(by_division.items()):
        a_minute, a_day = limits.get(division, (CALLS_A_MINUTE, CALLS_A_DAY))
        calls = sum(cost.calls for cost in division_costs)
        at_least = any(_is_unknown(cost) for cost in division_costs)
        days_needed = math.ceil(calls / max(a_day - reserve, 1))
        divisions.append(Division(division, calls, at_least, calls / a_minute, days_needed))
    return Estimate(
        costs=costs,
        divisions=divisions,
        minutes=_minutes(costs, limits, planned.run.context.parallel_divisions),
        days=max((division.days for division in divisions), default=0),
    )


def _is_unknown(cost: Cost) -> bool:
    """Whether the calls of a list are a minimum."""
    return bool(cost.streams) and cost.rows is None and not cost.free_calls


def _minutes(costs: Iterable[Cost], limits: Mapping[int, tuple[int, int]], at_once: int) -> float:
    """Minutes at the full rate limit: list by list, `at_once` divisions in parallel."""
    minutes: defaultdict[tuple[str, ...], list[float]] = defaultdict(list)
    for cost in costs:
        a_minute, _ = limits.get(cost.division, (CALLS_A_MINUTE, CALLS_A_DAY))
        minutes[cost.streams or (cost.endpoint,)].append(cost.calls / a_minute)
    return sum(max(*list_minutes, sum(list_minutes) / at_once) for list_minutes in minutes.values())


def _key(source: Source) -> tuple[int, str, str]:
    return (source.division, source.name, source.scope)


def _known(connection: Connection) -> Known:
    return list_sizes.known(connection.store, connection.app.key)


def _fresh(connection: Connection, known: Known, days: float) -> Known:
    """Sizes that are at most `days` old."""
    oldest = connection.clock() - days * list_sizes.DAY
    return {key: size for key, size in known.items() if size.at >= oldest}


def _last_runs(known: Known) -> Mapping[tuple[int, str], LastRun]:
    """Newest run by division and stream."""
    sizes = sorted(known.values(), key=lambda size: size.read_at or 0.0)
    return {
        (size.division, size.stream): LastRun(size.calls, size.scope, size.expected)
        for size in sizes
        if size.calls
    }


def _cost(planned: PlannedRun, source: Source, known: Known, last_run: LastRun | None) -> Cost:
    definition = source.definition
    size = known.get(_key(source))
    page = definition.endpoint.page_size or PAGE
    rows = size.rows if size else None
    calls = max(1, math.ceil((rows or 0) / page))
    if isinstance(definition, CustomDefinition) and definition.sliced_by and size and size.calls:
        calls = size.calls
    if rows == 0 and source.checks_rights and planned.run.checks_rights:
        calls += 1
    is_free = "{division}" not in definition.endpoint.uri
    unused = (
        definition.endpoint.kind != "sync"
        and definition.stream.sync is not None
        and rows is not None
    )
    return Cost(
        division=source.division,
        streams=source.streams,
        endpoint=definition.endpoint.id,
        calls=0 if is_free else calls,
        free_calls=calls if is_free else 0,
        scope=source.scope,
        page_size=page,
        rows=rows,
        known_from=None if size is None else COUNTED if size.is_counted else LAST_RUN,
        last_run=last_run,
        sync_calls=max(1, math.ceil((rows or 0) / BIG_PAGE)) if unused else None,
    )


def _files(planned: PlannedRun, costs: Iterable[Cost]) -> Iterator[Cost]:
    """One call for the file of each attachment, if files are read."""
    stream = planned.streams.get(attachments.STREAM)
    if stream and planned.run.reads_files and attachments.wants_files(stream.request):
        for cost in costs:
            if attachments.STREAM in cost.streams and cost.rows:
                yield Cost(cost.division, (), attachments.FILES, cost.rows)


def _overhead(planned: PlannedRun, lists: list[Source], known: Known) -> Iterator[Cost]:
    """Calls of the run itself: the user, the deleted log, the list of divisions."""
    yield Cost(planned.run.divisions.current, (), ME, 0, free_calls=1)
    logged = {
        stream.name
        for stream in planned.selected
        if planned.run.sends_tombstones and stream.definition.stream.deleted_type
    }
    with_log = {source.division for source in lists if logged.intersection(source.streams)}
    for division in sorted(with_log):
        yield Cost(division, (), log.ENDPOINT, 1)
    needs_list = bool(with_log or planned.run.context.config.get("all_divisions"))
    if needs_list or any(source.definition.endpoint.kind == "sync" for source in lists):
        size = known.get((planned.run.divisions.current, LIST, ALL))
        rows = size.rows if size else len({source.division for source in lists})
        yield Cost(planned.run.divisions.current, (), LIST, max(1, math.ceil(rows / PAGE)))


def _limits(planned: PlannedRun) -> Mapping[int, tuple[int, int]]:
    """Calls per minute and per day by division, from earlier answers."""
    query = sa.select(budgets).where(budgets.c.app == planned.run.connection.app.key)
    rows = planned.run.connection.store.read(query)
    return {
        row.division: (row.minute_limit or CALLS_A_MINUTE, row.day_limit or CALLS_A_DAY)
        for row in rows
    }
