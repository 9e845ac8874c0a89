"""The tables of `docs/streams.md`: every stream and how it is read, from the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exactonline_client import catalogue
from scripts.pages import Files, filled, table
from tap_exactonline.definitions.definition import stream_definitions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exactonline_client.catalogue import Endpoint
    from tap_exactonline.definitions.definition import StreamDefinition

KINDS = {"crud": "plain", "read": "plain"}
WIDTH = 100


def build() -> Files:
    """The page with its tables filled in."""
    facts = catalogue.load()
    found = sorted(stream_definitions(facts, use_sync=True), key=lambda definition: definition.name)
    functions = [item for item in facts.endpoints.values() if item.kind == "function"]
    undeleted = (
        f"`{definition.name}`" for definition in found if definition.stream.deleted_type is None
    )
    return filled(
        "streams.md",
        streams=table(
            ("stream", "read from", "key", "bookmark", "rows a call", "comes with", "deletes"),
            map(stream_cells, found),
        ),
        functions=table(("path", "key of its rows", "readable"), map(function_cells, functions)),
        streams_without_deletes=wrapped(undeleted),
    )


def stream_cells(definition: StreamDefinition) -> tuple[str, ...]:
    """A stream's line in the table."""
    endpoint = definition.endpoint
    return (
        f"`{definition.name}`",
        f"{KINDS.get(endpoint.kind, endpoint.kind)}: `{endpoint.id}`",
        ", ".join(definition.primary_keys),
        definition.bookmark or "-",
        str(endpoint.page_size or "all"),
        f"`{definition.headers}`" if definition.headers else "",
        "yes" if definition.stream.deleted_type else "no",
    )


def function_cells(endpoint: Endpoint) -> tuple[str, ...]:
    """A function's line in the table."""
    readable = "yes" if "GET" in endpoint.methods else "no"
    return f"`{endpoint.id}`", ", ".join(endpoint.key) or "-", readable


def wrapped(names: Iterable[str]) -> str:
    """Names with commas between, in lines of the house's width."""
    lines = [""]
    for name in names:
        line = f"{lines[-1]} {name}," if lines[-1] else f"{name},"
        if len(line) > WIDTH:
            lines.append(f"{name},")
        else:
            lines[-1] = line
    return "\n".join(lines).removesuffix(",") + "."
