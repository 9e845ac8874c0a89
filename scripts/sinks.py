"""The tables of `docs/sinks.md`: everything that can be written, from the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.pages import Files, filled, table
from target_exactonline.schema.entities import entities
from target_exactonline.schema.fields import shape_of
from target_exactonline.schema.references import TARGETS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from target_exactonline.schema.entities import Entity
    from target_exactonline.schema.references import Related


def build() -> Files:
    """The page with its tables filled in."""
    found = sorted(entities().values(), key=lambda entity: entity.stream)
    return filled(
        "sinks.md",
        sinks=table(("stream", "written to", "may", "known by", "needed"), map(sink_cells, found)),
        fields_with_codes=table(
            ("field", "refers to", "found by"), map(target_cells, filter(found_by_name, TARGETS))
        ),
    )


def sink_cells(entity: Entity) -> tuple[str, ...]:
    """An entity's line in the table."""
    methods = {"POST": "C", "PUT": "U", "DELETE": "D"}
    return (
        f"`{entity.stream}`",
        f"`{entity.endpoint.id}`",
        "".join(sign for method, sign in methods.items() if method in entity.endpoint.methods),
        ", ".join(name + ("" if entity.is_filterable(name) else "?") for name in entity.references)
        or "-",
        needed(entity),
    )


def needed(entity: Entity) -> str:
    """What a record must hold, with what its lines must hold."""
    shape = shape_of(entity.endpoint.id)
    reference = entity.references[:1]
    parts = []
    for name in shape.required:
        inner = shape.children[name].required if name in shape.children else ()
        if name not in reference:
            parts.append(f"{name} ({', '.join(inner)})" if inner else name)
    return ", ".join(parts)


def target_cells(target: Related) -> tuple[str, ...]:
    """The line of what is referred to."""
    return listed(target.properties), f"`{target.endpoint}`", ", ".join(target.by)


def found_by_name(target: Related) -> bool:
    """Whether it can be given by a code or name."""
    return bool(target.by)


def listed(names: Iterable[str]) -> str:
    """Names with commas between."""
    return ", ".join(f"`{name}`" for name in names)
