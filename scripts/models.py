"""Tables of the page on models: what is built, and where each unified field comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from scripts.dbt import MODELS, PROJECT
from scripts.pages import Files, filled, table
from scripts.unified import PREFIX, RESOURCES, Field, mapping
from scripts.written import blocks

if TYPE_CHECKING:
    from collections.abc import Iterator

MARTS = PROJECT / "models" / "marts" / "_marts.yml"


def build() -> Files:
    """The page on models, and that on what is written in the unified shape."""
    return {
        **filled("models.md", marts=_marts(), streams=_streams(), unified="\n\n".join(_unified())),
        **filled("unified.md", **blocks()),
    }


def _marts() -> str:
    found = yaml.safe_load(MARTS.read_text(encoding="utf-8"))["models"]
    rows = [[f"`{item['name']}`", _key(item), item["description"]] for item in found]
    return table(("model", "one row for each", "what it holds"), rows)


def _key(item: dict[str, Any]) -> str:
    tests = (test.get("exact_online.is_key") for test in item["data_tests"])
    columns = next(test for test in tests if test)["arguments"]["columns"]
    return ", ".join(f"`{column}`" for column in columns)


def _streams() -> str:
    rows = [
        [
            f"`{model.stream}`",
            "needed" if model.needed else "for the reconciliation" if model.report else "",
        ]
        for model in MODELS
    ]
    return table(("stream", ""), rows)


def _unified() -> Iterator[str]:
    found = mapping()
    for item in RESOURCES:
        rows = [[f"`{field.column}`", _source(field)] for field in found[item.name]]
        if item.lines:
            rows.append(["`line_items`", f"`{item.lines.resource}`, as an array of JSON"])
        yield f"#### {item.name}\n\n`{PREFIX}{item.name}`: {item.description}\n\n" + table(
            ("column", "from"), rows
        )


def _source(field: Field) -> str:
    how, _, argument = field.read.partition(":")
    if how == "const":
        return f"always `{argument}`"
    notes = {
        "negate": ", sign turned",
        "absolute": ", without its sign",
        "times100": ", times 100",
        "words": ", in words",
        "calculated": ", calculated",
    }
    if not field.exact_stream:
        return "calculated"
    return f"`{field.exact_stream}.{field.exact_column}`{notes.get(how, '')}"
