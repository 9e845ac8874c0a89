"""HTTP answers, and the properties that their rows contain."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exactonline_sandbox.errors import bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exactonline_client.catalogue import Endpoint

NAMESPACE = "http://schemas.microsoft.com/ado/2007/08/dataservices"
"""XML namespace of properties; the namespace of their attributes ends in `/metadata`."""


@dataclass
class Answer:
    """An HTTP answer: status, body, content type and headers."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json;charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Shape:
    """The properties to write of a row."""

    columns: tuple[str, ...]
    deferred: tuple[str, ...]
    """Navigation properties written as a deferred link."""
    absent: tuple[str, ...]
    """Navigation properties to a single row, of which there is never one."""
    expanded: Mapping[str, tuple[str, ...] | None]
    """Expanded navigation properties, with the properties of their rows; None for all."""


def shape(endpoint: Endpoint, select: tuple[str, ...], expand: tuple[str, ...]) -> Shape:
    """The properties that `$select` and `$expand` ask for.

    Raises:
        ApiError: 400 for a property that the entity does not have.
    """
    navigations = [name for name, item in endpoint.properties.items() if item.navigation]
    for name in expand:
        if name not in navigations:
            raise bad_request(f"'{name}' is no navigation property of {endpoint.name}.")
    inner: dict[str, list[str]] = {name: [] for name in expand}
    chosen: list[str] = []
    for name in select:
        outer, _, rest = name.partition("/")
        if rest and outer in inner:
            inner[outer].append(rest)
        elif rest or (name != "*" and name not in endpoint.properties):
            raise bad_request(f"Could not find a property named '{name}' on {endpoint.name}.")
        else:
            chosen.append(name)
    everything = not chosen or "*" in chosen
    if everything:
        columns = tuple(endpoint.columns)
    else:
        names = set(chosen)
        columns = tuple(name for name in endpoint.columns if name in names)
    left = [name for name in navigations if name not in inner and (everything or name in chosen)]
    lists = [name for name in left if endpoint.properties[name].type.startswith("Collection(")]
    return Shape(
        columns,
        deferred=tuple(lists),
        absent=tuple(name for name in left if name not in lists),
        expanded={name: tuple(inner[name]) or None for name in inner},
    )
