"""Write the tables of `docs/sinks.md`: everything that can be written, from the catalogue.

Usage: python -m scripts.build_sink_table [--check]

With `--check` nothing is written: the exit code is 1 where the page lags behind the catalogue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.pages import filled, keep_up, table
from target_exactonline.schema.entities import entities
from target_exactonline.schema.fields import shape_of
from target_exactonline.schema.references import TARGETS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from target_exactonline.schema.entities import Entity
    from target_exactonline.schema.references import Target


def page(before: str) -> str:
    """The page with its tables as they should be."""
    found = sorted(entities().values(), key=lambda entity: entity.stream)
    return filled(
        before,
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
        ", ".join(name + ("" if entity.is_sure(name) else "?") for name in entity.references)
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


def target_cells(target: Target) -> tuple[str, ...]:
    """The line of what is referred to."""
    return listed(target.properties), f"`{target.endpoint}`", ", ".join(target.by)


def found_by_name(target: Target) -> bool:
    """Whether it can be given by a code or name."""
    return bool(target.by)


def listed(names: Iterable[str]) -> str:
    """Names with commas between."""
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    keep_up("sinks.md", page, "catalogue")
