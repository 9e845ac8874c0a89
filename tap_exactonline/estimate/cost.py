"""What a run is going to cost: calls by list and division, minutes, days, and how to spend fewer.

The rows of a list are known from the last run or from a count, which costs one call; what can
neither be known nor counted is taken for one call, and said to be at least that.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import sqlalchemy as sa

from exactonline_client import catalogue
from exactonline_client.errors import NOT_READABLE, DailyLimitReached, UnexpectedAnswer
from exactonline_client.odata.query import match_all, url
from exactonline_client.store import list_sizes
from exactonline_client.store.list_sizes import Size
from exactonline_client.store.tables import budgets
from tap_exactonline.definitions.custom import CustomPlan
from tap_exactonline.definitions.definition import MODIFIED
from tap_exactonline.deletes import log
from tap_exactonline.divisions.selection import LIST
from tap_exactonline.estimate.sources import ALL, CHANGES
from tap_exactonline.extract import query as reading
from tap_exactonline.readers import attachments
from tap_exactonline.state.bookmarks import modified_filter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import requests

    from exactonline_client.connection import Connection
    from exactonline_client.store.list_sizes import Known
    from tap_exactonline.definitions.definition import Plan
    from tap_exactonline.estimate.sources import PlannedRun, Source

PAGE, BIG_PAGE = 60, 1000
"""Rows a call, on plain endpoints and on those made for reading much."""
CALLS_A_MINUTE, CALLS_A_DAY = 60, 5000
"""The limits of a division where its answers have not told others yet."""
ME = "current/Me"
COUNTED, LAST_RUN = "count", "last run"


@dataclass(frozen=True)
class LastRun:
    """What the last run that read a list took."""

    calls: int
    scope: str
    """Which rows it read."""
    expected: int | None
    """The calls that were expected of it, where that could be said."""


@dataclass(frozen=True)
class Cost:
    """The calls for one list of one division."""

    division: int
    streams: tuple[str, ...]
    """What it feeds; nothing where it serves the run itself."""
    endpoint: str
    calls: int
    free_calls: int = 0
    """Those that count against no limit, and are not among `calls`."""
    scope: str = ALL
    page_size: int | None = None
    rows: int | None = None
    """None where it is not known: then `calls` is the least that it takes."""
    known_from: str | None = None
    """`count` or `last run`."""
    last_run: LastRun | None = None
    sync_calls: int | None = None
    """What it would take by the sync endpoint, where there is one that is not used."""


@dataclass(frozen=True)
class Division:
    """What all lists of a division take together."""

    division: int
    calls: int
    at_least: bool
    minutes: float
    """With as many calls a minute as are allowed."""
    days: int
    """On how many days calls are needed, because those of one do not suffice."""


@dataclass(frozen=True)
class Estimate:
    """What a run is going to cost."""

    costs: list[Cost]
    divisions: list[Division]
    minutes: float
    days: int

    @property
    def calls(self) -> int:
        """All calls together."""
        return sum(cost.calls for cost in self.costs)

    @property
    def free_calls(self) -> int:
        """The calls besides that count against no limit."""
        return sum(cost.free_calls for cost in self.costs)

    @property
    def expected_calls(self) -> Mapping[tuple[int, tuple[str, ...]], int]:
        """By division and streams, the calls for each list whose rows are known."""
        known = (cost for cost in self.costs if cost.rows is not None)
        return {(cost.division, cost.streams): cost.calls for cost in known}

    @property
    def at_least(self) -> bool:
        """Whether it may be more."""
        return any(division.at_least for division in self.divisions)


def uncounted(planned: PlannedRun, lists: Iterable[Source], days: float) -> list[Source]:
    """Those lists whose rows are not known from the last `days`, and can be counted.

    Changes that were counted before are not those of now.
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
    """Count the rows of lists, one after the other, and keep the numbers; one call for each query.

    Gives, for each list, why it could not be counted, or None.
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
            what = f"{source.name} of division {source.division}"
            problem = f"{what} could not be counted: {error}"
        else:
            size = Size(*_key(source), rows, None, connection.clock())
            list_sizes.note(connection.store, connection.app.key, [size])
        yield problem


def queries(planned: PlannedRun, source: Source) -> list[str]:
    """The addresses that count the rows of a list; none where they cannot be counted.

    Sync endpoints cannot: the same rows are counted at the plain one, or at the bulk one.
    """
    halves = [source.plan, *([source.lines] if source.lines and source.is_mixed else [])]
    found = [_query(planned, half, source) for half in halves]
    addresses = [address for address in found if address is not None]
    return addresses if len(addresses) == len(halves) else []


def _query(planned: PlannedRun, plan: Plan, source: Source) -> str | None:
    twin = plan
    own = None
    if isinstance(plan, CustomPlan):
        if plan.around or plan.parameters or plan.endpoint.kind == "sync":
            return None
        own = plan.filter
    else:
        chosen = plan.stream.plain or plan.stream.bulk
        if chosen is None or plan.stream.per_user:
            return None
        twin = replace(plan, endpoint=catalogue.load().endpoints[chosen])
    if twin.endpoint.kind not in ("crud", "bulk"):
        return None
    condition = None
    if source.scope != ALL or twin.must_filter:
        may_filter = MODIFIED in twin.endpoint.columns and (
            not twin.must_filter or MODIFIED in twin.endpoint.filter_fields
        )
        if may_filter and (source.scope == ALL or source.since):
            condition = modified_filter(source.since, planned.run.connection.zone)
        elif source.scope == ALL:
            condition = match_all(twin.endpoint, source.division)
        else:
            return None
    path = f"{twin.endpoint.uri.format(division=source.division)}/$count"
    return url(path, {"$filter": reading.both(condition, own)})


def _rows(connection: Connection, source: Source, address: str) -> int:
    # The number comes as plain text, which an Accept header for JSON would rule out.
    return connection.session.read(address, source.division, _number, headers={"Accept": None})


def _number(answer: requests.Response) -> int:
    try:
        return int(answer.content.decode("utf-8-sig"))
    except ValueError:
        raise UnexpectedAnswer("The count of the rows is not a number.") from None


def estimate(planned: PlannedRun, lists: list[Source], days: float) -> Estimate:
    """What a run that reads `lists` will cost, by what is known from the last `days`.

    Asks nothing more.
    """
    ever = _known(planned.run.connection)
    known, runs = _fresh(planned.run.connection, ever, days), _last_runs(ever)
    costs = [_cost(planned, one, known, runs.get((one.division, one.name))) for one in lists]
    costs += [*_files(planned, costs), *_overhead(planned, lists, ever)]
    by_division: defaultdict[int, list[Cost]] = defaultdict(list)
    for cost in costs:
        by_division[cost.division].append(cost)
    limits = _limits(planned)
    reserve = planned.run.context.config.get("daily_call_reserve") or 0
    divisions = []
    for number, mine in sorted(by_division.items()):
        a_minute, a_day = limits.get(number, (CALLS_A_MINUTE, CALLS_A_DAY))
        calls = sum(cost.calls for cost in mine)
        at_least = any(_is_unknown(cost) for cost in mine)
        days_needed = math.ceil(calls / max(a_day - reserve, 1))
        divisions.append(Division(number, calls, at_least, calls / a_minute, days_needed))
    return Estimate(
        costs=costs,
        divisions=divisions,
        minutes=_minutes(costs, limits, planned.run.context.parallel_divisions),
        days=max((division.days for division in divisions), default=0),
    )


def _is_unknown(cost: Cost) -> bool:
    """Whether a list may take more calls than are told."""
    return bool(cost.streams) and cost.rows is None and not cost.free_calls


def _minutes(costs: Iterable[Cost], limits: Mapping[int, tuple[int, int]], at_once: int) -> float:
    """With as many calls a minute as are allowed: one list after the other, divisions at once."""
    minutes: defaultdict[tuple[str, ...], list[float]] = defaultdict(list)
    for cost in costs:
        a_minute, _ = limits.get(cost.division, (CALLS_A_MINUTE, CALLS_A_DAY))
        minutes[cost.streams or (cost.endpoint,)].append(cost.calls / a_minute)
    return sum(max(*each, sum(each) / at_once) for each in minutes.values())


def _key(source: Source) -> tuple[int, str, str]:
    return (source.division, source.name, source.scope)


def _known(connection: Connection) -> Known:
    return list_sizes.known(connection.store, connection.app.key)


def _fresh(connection: Connection, known: Known, days: float) -> Known:
    """The sizes that are not older than so many days."""
    oldest = connection.clock() - days * list_sizes.DAY
    return {key: size for key, size in known.items() if size.at >= oldest}


def _last_runs(known: Known) -> Mapping[tuple[int, str], LastRun]:
    """By division and stream, what the newest run took."""
    sizes = sorted(known.values(), key=lambda size: size.read_at or 0.0)
    return {
        (size.division, size.stream): LastRun(size.calls, size.scope, size.expected)
        for size in sizes
        if size.calls
    }


def _cost(planned: PlannedRun, source: Source, known: Known, last_run: LastRun | None) -> Cost:
    plan = source.plan
    size = known.get(_key(source))
    page = plan.endpoint.page_size or PAGE
    rows = size.rows if size else None
    calls = max(1, math.ceil((rows or 0) / page))
    if isinstance(plan, CustomPlan) and plan.around and size and size.calls:
        calls = size.calls
    if rows == 0 and source.asks_for_rights and planned.run.asks_for_rights:
        calls += 1
    is_free = "{division}" not in plan.endpoint.uri
    unused = plan.endpoint.kind != "sync" and plan.stream.sync is not None and rows is not None
    return Cost(
        division=source.division,
        streams=source.streams,
        endpoint=plan.endpoint.id,
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
    """A call for the file of each attachment, where those are read."""
    stream = planned.streams.get(attachments.STREAM)
    if stream and planned.run.reads_files and attachments.wants_files(stream.request):
        for cost in costs:
            if attachments.STREAM in cost.streams and cost.rows:
                yield Cost(cost.division, (), attachments.FILES, cost.rows)


def _overhead(planned: PlannedRun, lists: list[Source], known: Known) -> Iterator[Cost]:
    """The calls that belong to no stream: the user, the deleted log, the list of divisions."""
    yield Cost(planned.run.divisions.current, (), ME, 0, free_calls=1)
    logged = {
        stream.name
        for stream in planned.selected
        if planned.run.sends_tombstones and stream.plan.stream.deleted_type
    }
    with_log = {source.division for source in lists if logged.intersection(source.streams)}
    for division in sorted(with_log):
        yield Cost(division, (), log.ENDPOINT, 1)
    needs_list = bool(with_log or planned.run.context.config.get("all_divisions"))
    if needs_list or any(source.plan.endpoint.kind == "sync" for source in lists):
        size = known.get((planned.run.divisions.current, LIST, ALL))
        found = size.rows if size else len({source.division for source in lists})
        yield Cost(planned.run.divisions.current, (), LIST, max(1, math.ceil(found / PAGE)))


def _limits(planned: PlannedRun) -> Mapping[int, tuple[int, int]]:
    """Calls a minute and calls a day, by division, as far as answers have told them."""
    query = sa.select(budgets).where(budgets.c.app == planned.run.connection.app.key)
    rows = planned.run.connection.store.read(query)
    return {
        row.division: (row.minute_limit or CALLS_A_MINUTE, row.day_limit or CALLS_A_DAY)
        for row in rows
    }
