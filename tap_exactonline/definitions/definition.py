"""How a stream is read: from which endpoint, which columns, and by which bookmark."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from exactonline_client.catalogue import Property

if TYPE_CHECKING:
    from exactonline_client.catalogue import Catalogue, Endpoint, Stream

DIVISION = Property("Division", "Edm.Int32")
TIMESTAMP, MODIFIED = "Timestamp", "Modified"
DELETED_DATE = "DeletedDate"
"""The moment of a row of the deleted log."""
LINE_NUMBER = "LineNumber"
HEADER_LINE_NUMBER = 0
"""In a list that mixes headers and lines, the line number of a header."""


@dataclass(frozen=True)
class Plan:
    """The way one stream is read."""

    stream: Stream
    endpoint: Endpoint
    columns: dict[str, Property]
    """What a record holds, by name; `Division` is always among them."""
    lines: str | None = None
    """The stream that gets its rows from the list of this one, where there is such a stream."""
    expand: str | None = None
    """The collection of a row that holds those rows; None where the list mixes both."""
    headers: str | None = None
    """The stream whose list this one gets its rows from."""

    @property
    def name(self) -> str:
        """The stream's name."""
        return self.stream.name

    @cached_property
    def primary_keys(self) -> tuple[str, ...]:
        """The key of a record: that of its entity, within its division."""
        if self.stream.per_user or not self.stream.key:
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
    def stamp(self) -> str:
        """The column that tells when a row was changed, where there is one."""
        return MODIFIED if MODIFIED in self.endpoint.columns else DELETED_DATE

    @property
    def may_star(self) -> bool:
        """Whether all columns may be asked for without naming them.

        Some sync endpoints refuse it. Of headers that bring their lines along the columns of both
        are named.
        """
        comes_along = self.headers is not None and self.endpoint.kind == "crud"
        return not (self.endpoint.select_star_forbidden or self.expand or comes_along)

    @property
    def must_filter(self) -> bool:
        """Whether some apps have to filter here, on fields that are listed.

        Exact demands that on plain and bulk endpoints of entities that have a sync one.
        """
        return bool(self.stream.sync and self.endpoint.filter_fields)


def plans(catalogue: Catalogue, *, use_sync: bool) -> list[Plan]:
    """The plan of every stream: the sync endpoint first, then bulk, then the plain one.

    A sync page and a bulk page hold 1,000 rows, a plain one 60.
    """
    streams = catalogue.streams.values()
    found = {stream.name: _plan(catalogue, stream, use_sync=use_sync) for stream in streams}
    for plan in list(found.values()):
        link = plan.stream.parent
        parent = found.get(link.stream) if link else None
        if link is None or parent is None:
            continue
        if _shares_list(plan, parent):
            found[parent.name] = replace(parent, lines=plan.name)
        elif _comes_with(plan, parent):
            found[parent.name] = replace(parent, lines=plan.name, expand=link.navigation)
        else:
            continue
        found[plan.name] = replace(plan, headers=parent.name)
    return list(found.values())


def _shares_list(plan: Plan, parent: Plan) -> bool:
    """Whether one list holds the rows of both."""
    return plan.endpoint.feed is not None and plan.endpoint.id == parent.endpoint.id


def _comes_with(plan: Plan, parent: Plan) -> bool:
    """Whether rows are best read together with their parents.

    They are where they carry no mark of a change and their parents do: a list of their own would
    have to be read whole every time.
    """
    plain = plan.endpoint.kind == parent.endpoint.kind == "crud"
    navigation = plan.stream.parent is not None and plan.stream.parent.navigation is not None
    return plain and navigation and plan.bookmark is None and parent.bookmark == MODIFIED


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
