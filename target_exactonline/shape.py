"""From a record to the body of a request, with everything that is wrong with it said at once."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from target_exactonline.names import nearest, plain
from target_exactonline.values import Unfit, describe, to_wire

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from zoneinfo import ZoneInfo

    from exactonline_client.catalogue import Catalogue, Endpoint, Property

METADATA = "_sdc_"
"""Columns that loaders of warehouses add; they are not part of a document."""

Body = dict[str, Any]


@dataclass(frozen=True)
class Shape:
    """The fields of an entity, those of its lines included."""

    name: str
    known: dict[str, Property]
    """All properties, by what their spellings have in common."""
    writable: tuple[str, ...]
    children: dict[str, Shape]
    """Shapes of the rows of collections, by the name of the collection."""


def shape_of(endpoint: Endpoint, catalogue: Catalogue) -> Shape:
    """The shape of what may be posted to an endpoint."""
    children = {
        item.name: shape_of(catalogue.endpoints[item.entity], catalogue)
        for item in endpoint.properties.values()
        if item.navigation and item.post and item.entity
    }
    writable = tuple(
        item.name
        for item in endpoint.properties.values()
        if item.post and (not item.navigation or item.name in children)
    )
    known = {plain(name): item for name, item in endpoint.properties.items()}
    return Shape(endpoint.name, known, writable, children)


@dataclass
class Reading:
    """What became of a record: the body so far, and what is wrong with it."""

    body: Body = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    given: set[str] = field(default_factory=set)
    """Names of the properties that the record gave a value, a wrong one included."""


def read(shape: Shape, record: Mapping[str, Any], zone: ZoneInfo, where: str = "") -> Reading:
    """Shape a record; never raises.

    Names may be Exact's own or their snake_case; nulls are left out. `where` stands in front of
    the names in problems.
    """
    reading = Reading()
    for name, value in record.items():
        if value is None or name.startswith(METADATA):
            continue
        item = shape.known.get(plain(name))
        if item is None or item.name not in shape.writable:
            reading.problems.append(where + _refusal(shape, name, item))
        elif item.name in reading.given:
            reading.problems.append(f"{where}{item.name} is given twice")
        else:
            reading.given.add(item.name)
            _add(reading, shape, item, value, zone, where)
    return reading


def _refusal(shape: Shape, name: str, item: Property | None) -> str:
    what = f"{name!r} is no field of {shape.name}" if item is None else f"{item.name} is read-only"
    near = nearest(name, shape.writable)
    return f"{what} (near it: {', '.join(near)})" if near else what


def _add(  # noqa: PLR0913, PLR0917
    reading: Reading, shape: Shape, item: Property, value: object, zone: ZoneInfo, where: str
) -> None:
    name = where + item.name
    try:
        if item.name in shape.children:
            lines = [
                read(shape.children[item.name], row, zone, f"{name}[{number}].")
                for number, row in enumerate(_rows(value), start=1)
            ]
            reading.body[item.name] = [line.body for line in lines]
            reading.problems.extend(problem for line in lines for problem in line.problems)
        else:
            reading.body[item.name] = to_wire(value, item, zone)
    except Unfit as error:
        reading.problems.append(f"{name} {error}")


def _rows(value: object) -> Iterator[Mapping[str, Any]]:
    """The rows of a collection, which sources without lists send as JSON text."""
    if isinstance(value, str):
        try:
            value = json.loads(value, parse_float=Decimal)
        except (ValueError, RecursionError):
            raise Unfit("should be a list of objects, but came as text that is not JSON") from None
    if not isinstance(value, list):
        raise Unfit(f"should be a list of objects, but came as {describe(value)}")
    if not value:
        raise Unfit("should hold at least one line, but is empty")
    for row in value:
        if not isinstance(row, dict):
            raise Unfit("should be a list of objects, but holds something else")
        yield row
