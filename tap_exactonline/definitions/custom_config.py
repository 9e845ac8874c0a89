"""Parse and validate the entries of the setting `custom_streams`.

Only what an entry contains is checked here; `custom` checks it against the catalogue.
"""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from exactonline_client.catalogue import Property
from exactonline_client.errors import ConfigurationError
from exactonline_client.odata.literals import INTEGERS, NUMBERS
from exactonline_client.plugin import configuration
from tap_exactonline.definitions import function_parameters

SETTING = "custom_streams"
WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
TYPES = {
    "string": Property("", "Edm.String"),
    "integer": Property("", "Edm.Int64"),
    "number": Property("", "Edm.Double"),
    "boolean": Property("", "Edm.Boolean"),
    "date": Property("", "Edm.DateTime", date="date"),
    "date-time": Property("", "Edm.DateTime", date="instant"),
    **{edm: Property("", edm) for edm in (*sorted(INTEGERS | NUMBERS), "Edm.Boolean", "Edm.Guid")},
    "Edm.String": Property("", "Edm.String"),
}
"""Column types by name. Edm.DateTime is not among them: it does not say whether a column holds a
date or a date-time."""


class SliceEntry(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Slices of a stream: one call per value as a parameter, or several values in a filter."""

    parameter: str | None = None
    filter_field: str | None = None


class ParentEntry(SliceEntry, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Slice by a field of another stream's rows."""

    stream: str
    field: str


class YearsEntry(SliceEntry, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Slice by year, up to the current one if `to` is missing."""

    first: int = msgspec.field(name="from")
    last: int | None = msgspec.field(name="to", default=None)


class Entry(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One custom stream, as configured."""

    name: str
    path: str
    primary_keys: list[str] | None = None
    replication_key: Literal["Modified", "Timestamp"] | None = None
    filter: str | None = None
    select: list[str] | None = None
    schema: dict[str, str] = {}
    parameters: dict[str, Any] | None = None
    parent: ParentEntry | None = None
    per: Literal["division", "year", "user"] = "division"
    years: YearsEntry | None = None

    @property
    def sliced_by(self) -> ParentEntry | YearsEntry | None:
        """Slicing of the stream, if any."""
        return self.parent or self.years

    @property
    def parameter(self) -> str | None:
        """Function parameter that takes the value of a slice, if any."""
        return self.sliced_by.parameter if self.sliced_by else None


class EntryError(ValueError):
    """A field of an entry is invalid; the caller adds the position of the entry."""

    def __init__(self, name: str, message: str) -> None:
        """`message` says what is wrong with the field `name`, and how to fix it."""
        super().__init__(message)
        self.name = name


def read(setting: Any) -> list[Entry]:  # noqa: ANN401 - whatever the configuration holds
    """Parse the setting.

    Raises:
        ConfigurationError: its structure or a type is wrong.
    """
    try:
        return msgspec.convert(setting or [], list[Entry])
    except msgspec.ValidationError as error:
        raise ConfigurationError(_in_our_words(str(error))) from None
    except UnicodeEncodeError:
        raise ConfigurationError(
            f"Setting {SETTING}: the name of a field is not valid text (UTF-8). An entry has "
            f"{', '.join(Entry.__struct_fields__)}."
        ) from None


def _in_our_words(message: str) -> str:
    text, _, place = message.partition(" - at `$")
    place = SETTING + place.removesuffix("`").replace("[...]", "")
    cure = ""
    if wrong := re.search("unknown field `(.*)`", text):
        kind = {"parent": ParentEntry, "years": YearsEntry}.get(place.rpartition(".")[2], Entry)
        fields = kind.__struct_encode_fields__
        cure = f"{configuration.did_you_mean(wrong[1], fields)} It has {', '.join(fields)}."
    return f"Setting {place}: {text[:1].lower()}{text[1:]}.{cure}"


def declared_column(name: str, kind: str) -> Property:
    """Column that an item of `schema` declares.

    Raises:
        EntryError: the name or the type is invalid.
    """
    place = f"schema.{name}"
    if not WORD.fullmatch(name):
        raise EntryError(place, "a column consists of letters, digits and underscores.")
    if kind not in TYPES:
        raise EntryError(place, f"{kind!r} is not a type. Use one of {', '.join(TYPES)}.")
    return replace(TYPES[kind], name=name)


def condition(text: str) -> str:
    """Check quotes and parentheses of a filter, and strip it.

    Raises:
        EntryError: it is not an OData condition.
    """
    outside = re.sub(r"'[^']*'", "", text)
    if not text.strip() or text.lstrip().startswith("$") or "'" in outside:
        raise EntryError("filter", "write the condition alone, with texts in single quotes.")
    depth = 0
    for sign in re.sub(r"[^()]", "", outside):
        depth += 1 if sign == "(" else -1
        if depth < 0:
            break
    if depth:
        raise EntryError("filter", "its parentheses are not in pairs.")
    return text.strip()


def parameters(entry: Entry) -> dict[str, str]:
    """Function parameters of an entry as OData literals, by name.

    Raises:
        EntryError: a value has no literal form.
    """
    literals = {name: _literal(name, value) for name, value in (entry.parameters or {}).items()}
    if entry.parameter in literals:
        raise EntryError(f"parameters.{entry.parameter}", "is given for each call already.")
    return literals


def _literal(name: str, value: Any) -> str:  # noqa: ANN401
    try:
        return function_parameters.parameter(value)
    except ValueError as error:
        raise EntryError(f"parameters.{name}", f"{error}.") from None
