"""The setting `custom_streams`: streams of the user's own, checked before anything is read.

An entry says what is read and how; what it leaves out, the catalogue tells where it knows the
endpoint. Everything that is wrong with it is said with the entry's place and the cure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from exactonline_client.catalogue import Endpoint, Property, Stream
from exactonline_client.errors import ConfigurationError
from exactonline_client.odata.literals import INTEGERS
from exactonline_client.plugin.configuration import did_you_mean
from tap_exactonline.definitions import custom_config
from tap_exactonline.definitions.custom_config import SETTING, Wrong
from tap_exactonline.definitions.definition import DIVISION, TIMESTAMP, Plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from exactonline_client.catalogue import Catalogue
    from tap_exactonline.definitions.custom_config import Entry

PATH = re.compile(r"[A-Za-z]\w*(/[A-Za-z]\w*)+", re.ASCII)
KEYS = INTEGERS | {"Edm.Guid", "Edm.String"}
FIRST_YEAR, LAST_YEAR = 1900, 2200


@dataclass(frozen=True)
class Parents:
    """The rows of another stream, by whose keys a custom stream is read."""

    plan: Plan
    column: Property


@dataclass(frozen=True)
class Years:
    """The years that a custom stream is read for."""

    first: int
    last: int | None
    """None for the current one."""


@dataclass(frozen=True)
class CustomPlan(Plan):
    """The way a custom stream is read."""

    replication_key: str | None = None
    filter: str | None = None
    """A condition that every row meets."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Literals by name."""
    sends_select: bool = True
    all_columns: bool = True
    """Whether the user has chosen no columns."""
    around: Parents | Years | None = None
    """What several calls are made for, where one list is not all."""
    parameter: str | None = None
    """The parameter that each of them is given as."""
    filter_field: Property | None = None
    """The column that they are filtered by instead."""

    @cached_property
    @override
    def bookmark(self) -> str | None:
        return self.replication_key

    @property
    @override
    def may_star(self) -> bool:
        return self.all_columns and super().may_star


def plans(setting: Any, taken: Sequence[Plan], catalogue: Catalogue) -> list[CustomPlan]:  # noqa: ANN401
    """The plans of all custom streams; `taken` are those of the tap's own.

    Raises:
        ConfigurationError: naming the entry, the field and the cure.
    """
    known = {plan.name: plan for plan in taken}
    names = {name.lower() for name in known}
    found = []
    for position, entry in enumerate(custom_config.read(setting)):
        try:
            _check_name(entry.name, names)
            found.append(_plan(entry, known, catalogue))
        except Wrong as error:
            place = f"{SETTING}[{position}].{error.name}"
            raise ConfigurationError(f"Setting {place}: {error}") from None
        names.add(entry.name.lower())
    return found


def _check_name(name: str, names: set[str]) -> None:
    if not custom_config.WORD.fullmatch(name):
        raise Wrong("name", "a name consists of letters, digits and underscores.")
    if name.lower() in names:
        raise Wrong("name", f"there is a stream {name} already. Choose another name.")


def _plan(entry: Entry, known: Mapping[str, Plan], catalogue: Catalogue) -> CustomPlan:
    endpoint = _endpoint(entry.path, catalogue)
    _check_calls(entry, endpoint)
    declared = {name: custom_config.declared(name, kind) for name, kind in entry.schema.items()}
    columns = {**endpoint.columns, **declared}
    if not columns:
        raise Wrong("schema", f"the columns of {entry.path} are not known here. Declare them.")
    filter_field = _filter_field(entry, columns)
    around = _around(entry, known, filter_field)
    told = _told(entry, around, columns)
    everything = {**columns, **told, DIVISION.name: columns.get(DIVISION.name, DIVISION)}
    key = _key(entry, endpoint, catalogue, told)
    bookmark = _bookmark(entry, endpoint, everything)
    if entry.select == []:
        raise Wrong("select", "name at least one column, or leave it out for all of them.")
    chosen = entry.select or list(columns)
    _check_columns("select", chosen, everything, entry.path)
    _check_columns("primary_keys", key, everything, entry.path)
    names = dict.fromkeys((*key, *([bookmark] if bookmark else []), *chosen, *told, DIVISION.name))
    return CustomPlan(
        stream=Stream(
            name=entry.name,
            key=tuple(key),
            plain=endpoint.id,
            sync=_sync_twin(endpoint, catalogue),
            per_user=entry.per == "user" or "{division}" not in endpoint.uri,
        ),
        endpoint=_with_columns(endpoint, declared),
        columns={name: everything[name] for name in names},
        replication_key=bookmark,
        filter=_checked_filter(entry, endpoint),
        parameters=custom_config.parameters(entry),
        sends_select=endpoint.kind != "function" or entry.select is not None,
        all_columns=entry.select is None,
        around=around,
        parameter=entry.parameter,
        filter_field=filter_field,
    )


def _endpoint(path: str, catalogue: Catalogue) -> Endpoint:
    """The endpoint of a path: from the catalogue, or a new one of which nothing else is known."""
    if not PATH.fullmatch(path):
        raise Wrong(
            "path",
            "write what follows the division in the address, such as crm/Accounts: without a "
            "slash in front, and without a query.",
        )
    found = catalogue.endpoints.get(path)
    if found is None:
        like = [id_ for id_ in catalogue.endpoints if id_.lower() == path.lower()]
        if like:
            raise Wrong("path", f"Exact writes it {like[0]}.")
        beta, below = ("beta/", path[5:]) if path.startswith("beta/") else ("", path)
        service, _, name = path.partition("/")
        return Endpoint(
            id=path,
            service=service,
            name=name,
            kind=service if service in ("bulk", "read", "sync") else "crud",
            uri=f"/api/v1/{beta}{{division}}/{below}",
            path=below,
            methods=("GET",),
            filter_only_timestamp=service == "sync",
        )
    if "GET" not in found.methods:
        raise Wrong("path", f"{path} can be written, but not read.")
    return found


def _check_calls(entry: Entry, endpoint: Endpoint) -> None:
    """Whether what the calls are made with goes together, and suits the endpoint."""
    if (entry.per == "year") != (entry.years is not None):
        raise Wrong("years", 'goes with "per": "year", and that needs it.')
    if entry.parent and entry.years:
        raise Wrong("parent", "a stream is read by parent or by year. Leave out one of them.")
    if entry.around and entry.replication_key:
        raise Wrong(
            "replication_key",
            "a stream that is read by parent or by year is read whole. Leave it out.",
        )
    given = {*(entry.parameters or {}), *([entry.parameter] if entry.parameter else [])}
    wrong = [name for name in given if not custom_config.WORD.fullmatch(name)]
    if wrong:
        raise Wrong("parameters", f"{wrong[0]!r} is no name of a parameter.")
    is_function = endpoint.kind == "function"
    if is_function and entry.parameters is None and not given:
        raise Wrong(
            "parameters",
            f"{endpoint.id} is a function. Give its parameters; {{}} where it takes none.",
        )
    if given and endpoint.properties and not is_function:
        raise Wrong("parameters", f"{endpoint.id} takes none. Use filter instead.")


def _filter_field(entry: Entry, columns: Mapping[str, Property]) -> Property | None:
    around = entry.around
    if around is None:
        return None
    place = "parent" if entry.parent else "years"
    if (around.parameter is None) == (around.filter_field is None):
        raise Wrong(place, "give either parameter or filter_field.")
    if around.filter_field is None:
        return None
    _check_columns(f"{place}.filter_field", [around.filter_field], columns, entry.path)
    column = columns[around.filter_field]
    allowed = KEYS if entry.parent else INTEGERS
    if column.type not in allowed:
        raise Wrong(f"{place}.filter_field", f"is {column.type}, which cannot be filtered so.")
    return column


def _around(
    entry: Entry, known: Mapping[str, Plan], filter_field: Property | None
) -> Parents | Years | None:
    if entry.years:
        last = entry.years.last
        end = LAST_YEAR if last is None else last
        if not FIRST_YEAR <= entry.years.first <= end <= LAST_YEAR:
            raise Wrong("years", "give two years, the earlier one as from.")
        return Years(entry.years.first, last)
    if entry.parent is None:
        return None
    plan = known.get(entry.parent.stream)
    if plan is None:
        raise Wrong(
            "parent.stream",
            f"the tap has no stream {entry.parent.stream} of its own."
            + did_you_mean(entry.parent.stream, known),
        )
    _check_columns("parent.field", [entry.parent.field], plan.columns, plan.name, declare=False)
    column = plan.columns[entry.parent.field]
    if column.type not in KEYS:
        raise Wrong("parent.field", f"is {column.type}, which cannot be a key.")
    if filter_field and (filter_field.type == "Edm.Guid") != (column.type == "Edm.Guid"):
        raise Wrong(
            "parent",
            f"{column.name} is {column.type}, but {filter_field.name} is {filter_field.type}.",
        )
    return Parents(plan, column)


def _told(
    entry: Entry, around: Parents | Years | None, columns: Mapping[str, Property]
) -> dict[str, Property]:
    """The column for the parameter that each call is made with, where no row tells it."""
    name = entry.parameter
    if name is None or name.lower() in {column.lower() for column in columns}:
        return {}
    edm = around.column.type if isinstance(around, Parents) else "Edm.Int32"
    return {name: Property(name, edm)}


def _key(
    entry: Entry, endpoint: Endpoint, catalogue: Catalogue, told: Iterable[str]
) -> Sequence[str]:
    if entry.primary_keys is not None:
        return entry.primary_keys
    streams = [
        stream
        for stream in catalogue.streams.values()
        if endpoint.id in (stream.plain, stream.bulk, stream.sync)
    ]
    if endpoint.kind == "sync" and (len(streams) > 1 or not streams):
        key: tuple[str, ...] = ("ID",) if "ID" in endpoint.columns else ()
    else:
        key = streams[0].key if streams else endpoint.key
    if not key:
        raise Wrong(
            "primary_keys",
            f"what tells the rows of {entry.path} apart is not known here. Name those columns; "
            "[] where there are none, and every row is appended.",
        )
    return (*told, *key)


def _bookmark(entry: Entry, endpoint: Endpoint, columns: Mapping[str, Property]) -> str | None:
    name = entry.replication_key or (TIMESTAMP if endpoint.kind == "sync" else None)
    if name is None:
        return None
    _check_columns("replication_key", [name], columns, entry.path)
    column = columns[name]
    fits = column.type == "Edm.Int64" if name == TIMESTAMP else column.date == "instant"
    if not fits or (endpoint.kind == "sync") != (name == TIMESTAMP):
        raise Wrong(
            "replication_key",
            "is Timestamp (an integer) on sync endpoints and Modified (a date-time) on others.",
        )
    return name


def _check_columns(
    place: str,
    names: Iterable[str],
    columns: Mapping[str, Property],
    owner: str,
    *,
    declare: bool = True,
) -> None:
    for name in names:
        if name not in columns:
            cure = " If Exact has it, declare its type in schema." if declare else ""
            raise Wrong(
                place,
                f"{name} is no column of {owner} that is known.{did_you_mean(name, columns)}{cure}",
            )


def _checked_filter(entry: Entry, endpoint: Endpoint) -> str | None:
    by_field = entry.around is not None and entry.around.filter_field is not None
    only_timestamp = endpoint.filter_only_timestamp and endpoint.id != "sync/Deleted"
    if only_timestamp and (entry.filter or by_field):
        raise Wrong(
            "filter", f"{entry.path} can be filtered by Timestamp alone. Take the plain endpoint."
        )
    return None if entry.filter is None else custom_config.condition(entry.filter)


def _sync_twin(endpoint: Endpoint, catalogue: Catalogue) -> str | None:
    """The sync endpoint of the same entity, which makes Exact demand a filter on this one."""
    if endpoint.sync_twin:
        return endpoint.sync_twin
    twins = (one.sync_twin for one in catalogue.endpoints.values() if one.bulk_twin == endpoint.id)
    return next(twins, None)


def _with_columns(endpoint: Endpoint, declared: Mapping[str, Property]) -> Endpoint:
    """The endpoint with columns that the user has declared."""
    facts = {fact["name"]: fact for fact in endpoint.facts}
    for name, item in declared.items():
        facts[name] = {"name": name, "type": item.type, "date": item.date}
    return replace(endpoint, facts=tuple(facts.values()))
