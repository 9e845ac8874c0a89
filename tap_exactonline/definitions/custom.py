"""Make stream definitions from the setting `custom_streams`.

Missing fields of an entry are filled from the catalogue if it knows the endpoint. Each entry is
validated before the run; an error names the entry, the field and the fix.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace
from typing_extensions import override

from exactonline_client.catalogue import Endpoint, Property, Stream
from exactonline_client.errors import ConfigurationError
from exactonline_client.odata.literals import INTEGERS
from exactonline_client.plugin.configuration import did_you_mean
from tap_exactonline.definitions import custom_config
from tap_exactonline.definitions.custom_config import SETTING, EntryError
from tap_exactonline.definitions.definition import DIVISION, TIMESTAMP, StreamDefinition

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from exactonline_client.catalogue import Catalogue
    from tap_exactonline.definitions.custom_config import Entry

PATH = re.compile(r"[A-Za-z]\w*(/[A-Za-z]\w*)+", re.ASCII)
KEYS = INTEGERS | {"Edm.Guid", "Edm.String"}
FIRST_YEAR, LAST_YEAR = 1900, 2200


class ParentKeys(msgspec.Struct, frozen=True):
    """Slice a stream by a column of another stream's rows."""

    definition: StreamDefinition
    column: Property


class YearRange(msgspec.Struct, frozen=True):
    """Slice a stream by year."""

    first: int
    last: int | None
    """Inclusive; None for the current year."""


class CustomDefinition(StreamDefinition, frozen=True, dict=True):
    """Definition of a custom stream."""

    replication_key: str | None = None
    filter: str | None = None
    """OData condition that applies to every call."""
    parameters: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Function parameters: OData literals by name."""
    sends_select: bool = True
    all_columns: bool = True
    """Whether `select` was left out."""
    sliced_by: ParentKeys | YearRange | None = None
    """Slices of the stream, each with calls of its own; None for one list."""
    parameter: str | None = None
    """Function parameter that takes the value of a slice."""
    filter_field: Property | None = None
    """Column to filter by the values of a slice instead."""

    @cached_property
    @override
    def bookmark(self) -> str | None:
        return self.replication_key

    @property
    @override
    def allows_star(self) -> bool:
        return self.all_columns and super().allows_star


def stream_definitions(
    setting: Any,  # noqa: ANN401 - whatever the configuration holds
    taken: Sequence[StreamDefinition],
    catalogue: Catalogue,
) -> list[CustomDefinition]:
    """Definitions of all custom streams; `taken` are those from the catalogue.

    Raises:
        ConfigurationError: an entry is invalid; names the entry, the field and the fix.
    """
    known = {definition.name: definition for definition in taken}
    names = {name.lower() for name in known}
    definitions = []
    for position, entry in enumerate(custom_config.read(setting)):
        try:
            _check_name(entry.name, names)
            definitions.append(_definition(entry, known, catalogue))
        except EntryError as error:
            place = f"{SETTING}[{position}].{error.name}"
            raise ConfigurationError(f"Setting {place}: {error}") from None
        names.add(entry.name.lower())
    return definitions


def _check_name(name: str, names: set[str]) -> None:
    if not custom_config.WORD.fullmatch(name):
        raise EntryError("name", "a name consists of letters, digits and underscores.")
    if name.lower() in names:
        raise EntryError("name", f"there is a stream {name} already. Choose another name.")


def _definition(
    entry: Entry, known: Mapping[str, StreamDefinition], catalogue: Catalogue
) -> CustomDefinition:
    endpoint = _find_endpoint(entry.path, catalogue)
    _check_slicing(entry, endpoint)
    declared = {
        name: custom_config.declared_column(name, kind) for name, kind in entry.schema.items()
    }
    columns = {**endpoint.columns, **declared}
    if not columns:
        raise EntryError("schema", f"the columns of {entry.path} are not known here. Declare them.")
    filter_field = _filter_field(entry, columns)
    sliced_by = _slicing(entry, known, filter_field)
    added = _parameter_column(entry, sliced_by, columns)
    known_columns = {**columns, **added, DIVISION.name: columns.get(DIVISION.name, DIVISION)}
    key = _primary_keys(entry, endpoint, catalogue, added)
    bookmark = _bookmark(entry, endpoint, known_columns)
    if entry.select == []:
        raise EntryError("select", "name at least one column, or leave it out for all of them.")
    selected = entry.select or list(columns)
    _check_columns("select", selected, known_columns, entry.path)
    _check_columns("primary_keys", key, known_columns, entry.path)
    names = dict.fromkeys(
        (*key, *([bookmark] if bookmark else []), *selected, *added, DIVISION.name)
    )
    return CustomDefinition(
        stream=Stream(
            name=entry.name,
            key=tuple(key),
            plain=endpoint.id,
            sync=_sync_twin(endpoint, catalogue),
            per_user=entry.per == "user" or "{division}" not in endpoint.uri,
        ),
        endpoint=_with_columns(endpoint, declared),
        columns={name: known_columns[name] for name in names},
        replication_key=bookmark,
        filter=_checked_filter(entry, endpoint),
        parameters=custom_config.parameters(entry),
        sends_select=endpoint.kind != "function" or entry.select is not None,
        all_columns=entry.select is None,
        sliced_by=sliced_by,
        parameter=entry.parameter,
        filter_field=filter_field,
    )


def _find_endpoint(path: str, catalogue: Catalogue) -> Endpoint:
    """Endpoint of a path, from the catalogue or made from the path alone."""
    if not PATH.fullmatch(path):
        raise EntryError(
            "path",
            "write what follows the division in the address, such as crm/Accounts: without a "
            "slash in front, and without a query.",
        )
    endpoint = catalogue.endpoints.get(path)
    if endpoint is None:
        like = [id_ for id_ in catalogue.endpoints if id_.lower() == path.lower()]
        if like:
            raise EntryError("path", f"Exact writes it {like[0]}.")
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
    if "GET" not in endpoint.methods:
        raise EntryError("path", f"{path} can be written, but not read.")
    return endpoint


def _check_slicing(entry: Entry, endpoint: Endpoint) -> None:
    """Check that slicing, replication key and parameters can be combined on the endpoint."""
    if (entry.per == "year") != (entry.years is not None):
        raise EntryError("years", 'goes with "per": "year", and that needs it.')
    if entry.parent and entry.years:
        raise EntryError("parent", "a stream is read by parent or by year. Leave out one of them.")
    if entry.sliced_by and entry.replication_key:
        raise EntryError(
            "replication_key",
            "a stream that is read by parent or by year is read whole. Leave it out.",
        )
    given = {*(entry.parameters or {}), *([entry.parameter] if entry.parameter else [])}
    wrong = [name for name in given if not custom_config.WORD.fullmatch(name)]
    if wrong:
        raise EntryError("parameters", f"{wrong[0]!r} is not the name of a parameter.")
    is_function = endpoint.kind == "function"
    if is_function and entry.parameters is None and not given:
        raise EntryError(
            "parameters",
            f"{endpoint.id} is a function. Give its parameters, or {{}} if it takes none.",
        )
    if given and endpoint.properties and not is_function:
        raise EntryError("parameters", f"{endpoint.id} takes none. Use filter instead.")


def _filter_field(entry: Entry, columns: Mapping[str, Property]) -> Property | None:
    sliced_by = entry.sliced_by
    if sliced_by is None:
        return None
    place = "parent" if entry.parent else "years"
    if (sliced_by.parameter is None) == (sliced_by.filter_field is None):
        raise EntryError(place, "give either parameter or filter_field.")
    if sliced_by.filter_field is None:
        return None
    _check_columns(f"{place}.filter_field", [sliced_by.filter_field], columns, entry.path)
    column = columns[sliced_by.filter_field]
    allowed = KEYS if entry.parent else INTEGERS
    if column.type not in allowed:
        raise EntryError(f"{place}.filter_field", f"is {column.type}, which cannot be filtered so.")
    return column


def _slicing(
    entry: Entry, known: Mapping[str, StreamDefinition], filter_field: Property | None
) -> ParentKeys | YearRange | None:
    if entry.years:
        last = entry.years.last
        end = LAST_YEAR if last is None else last
        if not FIRST_YEAR <= entry.years.first <= end <= LAST_YEAR:
            raise EntryError("years", "give two years, the earlier one as from.")
        return YearRange(entry.years.first, last)
    if entry.parent is None:
        return None
    definition = known.get(entry.parent.stream)
    if definition is None:
        raise EntryError(
            "parent.stream",
            f"the tap has no stream {entry.parent.stream} of its own."
            + did_you_mean(entry.parent.stream, known),
        )
    _check_columns(
        "parent.field", [entry.parent.field], definition.columns, definition.name, declare=False
    )
    column = definition.columns[entry.parent.field]
    if column.type not in KEYS:
        raise EntryError("parent.field", f"is {column.type}, which cannot be a key.")
    if filter_field and (filter_field.type == "Edm.Guid") != (column.type == "Edm.Guid"):
        raise EntryError(
            "parent",
            f"{column.name} is {column.type}, but {filter_field.name} is {filter_field.type}.",
        )
    return ParentKeys(definition, column)


def _parameter_column(
    entry: Entry, sliced_by: ParentKeys | YearRange | None, columns: Mapping[str, Property]
) -> dict[str, Property]:
    """Column for the slice parameter, if the rows have no column of that name."""
    name = entry.parameter
    if name is None or name.lower() in {column.lower() for column in columns}:
        return {}
    edm = sliced_by.column.type if isinstance(sliced_by, ParentKeys) else "Edm.Int32"
    return {name: Property(name, edm)}


def _primary_keys(
    entry: Entry, endpoint: Endpoint, catalogue: Catalogue, added: Iterable[str]
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
        raise EntryError(
            "primary_keys",
            f"the key of {entry.path} is not known here. Give the columns that identify a row, "
            "or [] if there are none; every row is then appended.",
        )
    return (*added, *key)


def _bookmark(entry: Entry, endpoint: Endpoint, columns: Mapping[str, Property]) -> str | None:
    name = entry.replication_key or (TIMESTAMP if endpoint.kind == "sync" else None)
    if name is None:
        return None
    _check_columns("replication_key", [name], columns, entry.path)
    column = columns[name]
    fits = column.type == "Edm.Int64" if name == TIMESTAMP else column.date == "instant"
    if not fits or (endpoint.kind == "sync") != (name == TIMESTAMP):
        raise EntryError(
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
            raise EntryError(
                place,
                f"{name} is not a known column of {owner}.{did_you_mean(name, columns)}{cure}",
            )


def _checked_filter(entry: Entry, endpoint: Endpoint) -> str | None:
    by_field = entry.sliced_by is not None and entry.sliced_by.filter_field is not None
    only_timestamp = endpoint.filter_only_timestamp and endpoint.id != "sync/Deleted"
    if only_timestamp and (entry.filter or by_field):
        raise EntryError(
            "filter", f"{entry.path} can be filtered by Timestamp alone. Take the plain endpoint."
        )
    return None if entry.filter is None else custom_config.condition(entry.filter)


def _sync_twin(endpoint: Endpoint, catalogue: Catalogue) -> str | None:
    """Sync endpoint of the same entity; if there is one, Exact requires a filter on this one."""
    if endpoint.sync_twin:
        return endpoint.sync_twin
    twins = (
        other.sync_twin for other in catalogue.endpoints.values() if other.bulk_twin == endpoint.id
    )
    return next(twins, None)


def _with_columns(endpoint: Endpoint, declared: Mapping[str, Property]) -> Endpoint:
    """Add the columns that the user has declared to an endpoint."""
    return replace(endpoint, property_list=tuple({**endpoint.properties, **declared}.values()))
