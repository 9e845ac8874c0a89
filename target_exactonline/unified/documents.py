"""Prepare documents of unified records: what is wrong with them is told in unified names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from target_exactonline.schema.unified import LINES
from target_exactonline.unified.conversions import CHECK
from target_exactonline.unified.record import Rewritten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from target_exactonline.mapping.model import Document
    from target_exactonline.schema.unified import UnifiedResource

FIELD = re.compile(r"^(?:(?P<lines>\w+)(?P<number>\[\d+\])\.)?(?P<name>\w+)")
"""The field that a problem begins with."""


def restored(
    prepare: Callable[[Mapping[str, Any]], Document],
) -> Callable[[Mapping[str, Any]], Document]:
    """Extend a preparation by unified records, which are kept as they came."""

    def with_original(record: Mapping[str, Any]) -> Document:
        document = prepare(record)
        if not isinstance(record, Rewritten):
            return document
        document.record = record.original
        document.lacks = _in_unified_names(record.resource, document.lacks)
        document.notes = _in_unified_names(record.resource, document.notes)
        if document.deleted:
            return document
        problems = _in_unified_names(record.resource, document.problems)
        document.problems = list(dict.fromkeys([*record.problems, *problems]))
        if record.problems:
            document.payload_hash = ""
        return document

    return with_original


def _in_unified_names(resource: UnifiedResource, problems: Iterable[str]) -> list[str]:
    """Problems with the names of the record in place of Exact's."""
    translated = (_translated(resource, problem) for problem in problems)
    return list(dict.fromkeys(translated))


def _translated(resource: UnifiedResource, problem: str) -> str:
    for item in resource.fields.values():
        if item.write == CHECK:
            problem = re.sub(rf"\b{item.properties[0]}\b", item.name, problem)
    found = FIELD.match(problem)
    if found is None:
        return problem
    rest = problem[found.end() :]
    if found["lines"] is None:
        is_lines = found["name"] == resource.collection
        name = LINES if is_lines else resource.unified(found["name"]) or found["name"]
        return name + rest
    name = (resource.lines and resource.lines.unified(found["name"])) or found["name"]
    return f"{LINES}{found['number']}.{name}{rest}"
