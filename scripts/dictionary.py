"""The page `docs/dictionary.md`: columns of the core streams, and how their tables join."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from exactonline_client import catalogue
from scripts import joins as drawn
from scripts.pages import DOCS, Files, filled, table
from tap_exactonline.definitions import dictionary
from tap_exactonline.definitions.definition import stream_definitions
from tap_exactonline.definitions.schema import schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_exactonline.definitions.definition import StreamDefinition

TARGET = re.compile(r", in (\w+)\.$")
"""End of a description that names the stream of the row it points to."""
LEDGER = "gl_accounts"


def build() -> Files:
    """The page with its tables filled in."""
    found = sorted(
        (
            definition
            for definition in stream_definitions(catalogue.load(), use_sync=True)
            if definition.name in dictionary.CORE
        ),
        key=lambda definition: definition.name,
    )
    joins = sorted({join for definition in found for join in _joins(definition)})
    by_table: dict[str, list[tuple[str, str]]] = {}
    for name, column, target in joins:
        by_table.setdefault(name, []).append((column, target))
    page = filled(
        "dictionary.md",
        joins=table(
            ("table", "column", "points to"),
            ((f"`{name}`", f"`{column}`", f"`{target}`") for name, column, target in joins),
        ),
        columns="\n\n".join(map(_stream, found)),
    )
    return {**page, DOCS / "images" / "joins.svg": drawn.draw(by_table)}


def _joins(definition: StreamDefinition) -> Iterator[tuple[str, str, str]]:
    header = drawn.headers().get(definition.name)
    if header and header[1] in dictionary.CORE:
        yield definition.name, *header
    for item in definition.columns.values():
        text = dictionary.describe(definition.name, item.name, item.type) or ""
        match = TARGET.search(text)
        if match and match[1] in dictionary.CORE:
            yield definition.name, item.name, match[1]


def _stream(definition: StreamDefinition) -> str:
    facts = schema(definition, tombstones=False)["properties"]
    rows = (
        (f"`{name}`", _type(item), item["description"])
        for name, item in facts.items()
        if "description" in item
    )
    return f"### {definition.name}\n\n{table(('column', 'type', 'meaning'), rows)}"


def _type(item: dict[str, object]) -> str:
    kinds = item["type"] if isinstance(item["type"], list) else [item["type"]]
    return str(item.get("format") or next(kind for kind in kinds if kind != "null"))
