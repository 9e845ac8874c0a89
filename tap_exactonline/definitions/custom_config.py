"""The entries of the setting `custom_streams`: what may be written, and what is wrong with it.

Here is what an entry tells by itself; `custom` holds it against the catalogue.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Literal

import msgspec

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
"""What a column may be declared as. Edm.DateTime is not enough: it may be a moment or a day."""


class Around(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Values that calls are made with: one by one as a parameter, or together in the filter."""

    parameter: str | None = None
    filter_field: str | None = None


class ParentEntry(Around, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The keys of the rows of another stream."""

    stream: str
    field: str


class YearsEntry(Around, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Years, up to the current one where no end is given."""

    first: int = msgspec.field(name="from")
    last: int | None = msgspec.field(name="to", default=None)


class Entry(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One custom stream, as the user writes it."""

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
    def around(self) -> ParentEntry | YearsEntry | None:
        """What several calls are made for."""
        return self.parent or self.years

    @property
    def parameter(self) -> str | None:
        """The parameter that each of those calls is made with."""
        return self.around.parameter if self.around else None


class Wrong(ValueError):  # noqa: N818 - caught where the place of the entry is known
    """What is wrong with one field of an entry."""

    def __init__(self, name: str, message: str) -> None:
        """`message` says what is wrong with the field `name`, and the cure."""
        super().__init__(message)
        self.name = name


def read(setting: Any) -> list[Entry]:  # noqa: ANN401 - whatever the configuration holds
    """The entries of the setting.

    Raises:
        ConfigurationError: it is not of the shape it should have.
    """
    try:
        return msgspec.convert(setting or [], list[Entry])
    except msgspec.ValidationError as error:
        raise ConfigurationError(_in_our_words(str(error))) from None
    except UnicodeEncodeError:
        raise ConfigurationError(
            f"Setting {SETTING}: the name of a field is no valid text (UTF-8). An entry has "
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


def declared(name: str, kind: str) -> Property:
    """The column that a line of `schema` declares.

    Raises:
        Wrong: it is no name, or no type.
    """
    place = f"schema.{name}"
    if not WORD.fullmatch(name):
        raise Wrong(place, "a column consists of letters, digits and underscores.")
    if kind not in TYPES:
        raise Wrong(place, f"{kind!r} is no type. Use one of {', '.join(TYPES)}.")
    return replace(TYPES[kind], name=name)


def condition(text: str) -> str:
    """The condition of a filter, as far as it can be checked here.

    Raises:
        Wrong: it cannot be a condition.
    """
    outside = re.sub(r"'[^']*'", "", text)
    if not text.strip() or text.lstrip().startswith("$") or "'" in outside:
        raise Wrong("filter", "write the condition alone, with texts in single quotes.")
    depth = 0
    for sign in re.sub(r"[^()]", "", outside):
        depth += 1 if sign == "(" else -1
        if depth < 0:
            break
    if depth:
        raise Wrong("filter", "its parentheses are not in pairs.")
    return text.strip()


def parameters(entry: Entry) -> dict[str, str]:
    """The parameters as literals, by name.

    Raises:
        Wrong: a value that cannot be one.
    """
    found = {name: _literal(name, value) for name, value in (entry.parameters or {}).items()}
    if entry.parameter in found:
        raise Wrong(f"parameters.{entry.parameter}", "is given for each call already.")
    return found


def _literal(name: str, value: Any) -> str:  # noqa: ANN401
    try:
        return function_parameters.parameter(value)
    except ValueError as error:
        raise Wrong(f"parameters.{name}", f"{error}.") from None
