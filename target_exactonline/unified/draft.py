"""What becomes of an object in the unified shape: values of Exact Online, and what is wrong."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from exactonline_client.catalogue import Property
from target_exactonline.schema.values import UTC as ANY_ZONE
from target_exactonline.schema.values import BadValueError, as_text, is_empty, to_wire

if TYPE_CHECKING:
    from target_exactonline.schema.fields import Shape
    from target_exactonline.schema.locale import Locale
    from target_exactonline.schema.unified import UnifiedField, UnifiedResource

NUMBER = Property("", "Edm.Double")


@dataclass(frozen=True)
class Source:
    """Where the objects of a record come from, and what becomes of them."""

    locale: Locale
    finalizes: bool
    """Whether the run finalises what can be."""
    from_exact: bool = False
    """The record was read from Exact Online: what cannot be written is left out."""


@dataclass
class Draft:
    """An object on its way to Exact's names."""

    resource: UnifiedResource
    shape: Shape
    """Of the entity at Exact Online."""
    source: Source
    where: str = ""
    """Prefix of names in problems."""
    sign: int = 1
    """-1 where amounts are turned round, as in a credit."""
    values: dict[str, Any] = field(default_factory=dict)
    """Values by property."""
    problems: list[str] = field(default_factory=list)
    numbers: dict[str, Decimal] = field(default_factory=dict)
    """Amounts as the record has them, by the name of their field."""
    links: dict[tuple[str, ...], dict[str, Any]] = field(default_factory=dict)
    """How related rows are named, by the properties that refer to them."""
    for_lines: dict[str, tuple[UnifiedField, Any]] = field(default_factory=dict)
    """Values that Exact Online keeps on lines, by conversion."""
    place: Decimal | None = None
    """Number of a line."""
    _given: dict[str, str] = field(default_factory=dict)

    def refuse(self, name: str, problem: str) -> None:
        """Note what is wrong with a field."""
        self.problems.append(f"{self.where}{name} {problem}")

    def put(self, item: UnifiedField, prop: str, value: Any) -> None:  # noqa: ANN401
        """Set a property; two fields of one property have to agree."""
        other = self._given.get(prop)
        if other is None or is_empty(self.values[prop]):
            self.values[prop] = value
            self._given[prop] = item.name
        elif not is_empty(value) and not _same(self.values[prop], value):
            self.refuse(f"{other} and {item.name}", "are both given, and differ")

    def number(self, item: UnifiedField, value: object) -> Decimal | None:
        """Convert an amount; None where it is empty or, which is noted, no number."""
        if is_empty(value):
            return None
        try:
            if not self.source.from_exact:
                value = self.source.locale.read(value, NUMBER)
            found = Decimal(to_wire(value, NUMBER, ANY_ZONE))
        except BadValueError as error:
            self.refuse(item.name, str(error))
            return None
        self.numbers[item.name] = found
        return found


def _same(one: object, other: object) -> bool:
    """Whether two values are sent as one: a flag may be a word."""
    return as_text(one).casefold() == as_text(other).casefold()


def parsed(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    """A list or an object, which a warehouse may give as text; anything else stays what it is."""
    if isinstance(value, str) and value.strip()[:1] in {"[", "{"}:
        try:
            return json.loads(value, parse_float=Decimal)
        except (ValueError, RecursionError):
            return value
    return value
