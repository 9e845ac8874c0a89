"""Rewrite a record in the unified shape to Exact's names."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from target_exactonline.mapping.attachments import LIST, PATH
from target_exactonline.mapping.prepare import REFERENCE
from target_exactonline.mapping.record import is_metadata
from target_exactonline.schema.entities import find
from target_exactonline.schema.fields import shape_of
from target_exactonline.schema.names import nearest
from target_exactonline.schema.unified import LINES, NONE, joined
from target_exactonline.schema.values import as_text, describe, is_empty
from target_exactonline.unified import amounts
from target_exactonline.unified.conversions import (
    CONVERSIONS,
    EVERY_LINE,
    FIRST_LINE,
    SIGN,
    leave_fallbacks,
    settle_links,
)
from target_exactonline.unified.draft import Draft, Source, parsed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from target_exactonline.schema.locale import Locale
    from target_exactonline.schema.unified import UnifiedField, UnifiedResource

COMPANY = "company_id"
OWN_FIELDS = (REFERENCE, LIST, PATH)
"""Fields of any record that are none of the unified shape."""
OWN_NAMES = frozenset(map(joined, OWN_FIELDS))


class Rewritten(dict[str, Any]):
    """A record in Exact's names, with the one that it was."""

    original: Mapping[str, Any]
    resource: UnifiedResource
    problems: Sequence[str] = ()
    """What is wrong with it as a unified document."""


@dataclass
class _Parts:
    """What a record holds, by field."""

    values: dict[str, tuple[UnifiedField, Any]] = field(default_factory=dict)
    own: dict[str, Any] = field(default_factory=dict)
    lines: Any = None
    problems: list[str] = field(default_factory=list)


def rewriter(
    resource: UnifiedResource, locale: Locale, *, finalizes: bool
) -> Callable[[Mapping[str, Any]], Rewritten]:
    """Build a function that rewrites records of a resource; it makes no call and never raises."""
    shape = shape_of(find(resource.stream).endpoint.id)

    def rewrite(record: Mapping[str, Any]) -> Rewritten:
        company = next((record[name] for name in record if joined(name) == joined(COMPANY)), None)
        source = Source(locale, finalizes, from_exact=not is_empty(company))
        draft = _object(Draft(resource, shape, source), record)
        if not source.from_exact:
            for name, value in resource.constants.items():
                draft.values.setdefault(name, value)
        rewritten = Rewritten(draft.values)
        rewritten.original, rewritten.resource = record, resource
        rewritten.problems = draft.problems
        return rewritten

    return rewrite


def _object(draft: Draft, record: Mapping[str, Any]) -> Draft:
    parts = _Parts()
    _take(draft.resource, record, parts)
    draft.problems += [draft.where + problem for problem in parts.problems]
    draft.sign = _sign(parts, draft.sign)
    for item, value in parts.values.values():
        CONVERSIONS[item.write](draft, item, value)
    settle_links(draft)
    leave_fallbacks(draft)
    draft.values.update(parts.own)
    if draft.resource.lines and not is_empty(parts.lines):
        _add_lines(draft, draft.resource.lines, parts.lines)
    elif not draft.resource.lines:
        amounts.multiply(draft)
    return draft


def _take(
    resource: UnifiedResource, record: Mapping[str, Any], parts: _Parts, within: str = ""
) -> None:
    """Sort the values of a record, or of an object in it, by the fields that they are."""
    for given, value in record.items():
        name = f"{within}.{given}" if within else str(given)
        key = joined(name)
        if is_metadata(name) or (key in OWN_NAMES and key not in resource.fields):
            parts.own[name] = value
        elif resource.lines and key == joined(LINES):
            parts.lines = value
        elif key in resource.fields:
            _keep(parts, resource.fields[key], value)
        elif key in resource.groups:
            _open(resource, resource.groups[key], value, parts)
        elif not is_empty(value):
            parts.problems.append(_unknown(resource, name))


def _keep(parts: _Parts, item: UnifiedField, value: Any) -> None:  # noqa: ANN401
    before = parts.values.get(item.name)
    if before is None or is_empty(before[1]):
        parts.values[item.name] = item, value
    elif not is_empty(value) and as_text(before[1]) != as_text(value):
        parts.problems.append(f"{item.name} is given twice, with different values")


def _open(resource: UnifiedResource, group: str, value: Any, parts: _Parts) -> None:  # noqa: ANN401
    """Take the values of an object; in its place, its key or its code alone will do."""
    value = parsed(value)
    if isinstance(value, dict):
        _take(resource, value, parts, group)
    elif not is_empty(value):
        item = resource.fields.get(joined(f"{group}id")) or resource.fields.get(
            joined(f"{group}code")
        )
        if item is None or isinstance(value, list):
            parts.problems.append(f"{group} should be an object, but is {describe(value)}")
        else:
            _keep(parts, item, value)


def _unknown(resource: UnifiedResource, name: str) -> str:
    possible = [item.name for item in resource.fields.values() if item.write != NONE]
    similar = nearest(name, possible)
    near = f" (similar: {', '.join(similar)})" if similar else ""
    return f"{name!r} is not a field of {resource.name}{near}"


def _sign(parts: _Parts, sign: int) -> int:
    for item, value in parts.values.values():
        if item.write == SIGN and as_text(value) == item.argument.split("/")[1]:
            return -1
    return sign


# Lines


def _add_lines(draft: Draft, resource: UnifiedResource, given: Any) -> None:  # noqa: ANN401
    collection = draft.resource.collection
    rows = parsed(given)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        draft.refuse(LINES, f"should be a list of objects, but is {describe(given)}")
        return
    shape = draft.shape.children[collection]
    lines = [
        _object(Draft(resource, shape, draft.source, f"{LINES}[{number}].", draft.sign), row)
        for number, row in enumerate(rows, start=1)
    ]
    if all(line.place is not None for line in lines):
        lines.sort(key=lambda line: line.place or Decimal(0))
    draft.problems += [problem for line in lines for problem in line.problems]
    _spread(draft, lines)
    amounts.compare(draft, lines)
    draft.values[collection] = [line.values for line in lines]


def _spread(draft: Draft, lines: Sequence[Draft]) -> None:
    """Set what Exact Online keeps on lines and the record says once."""
    for how, (item, value) in draft.for_lines.items():
        (prop,) = item.properties
        if how == EVERY_LINE:
            for line in lines:
                line.values.setdefault(prop, value)
        elif how == FIRST_LINE and lines:
            first = lines[0].values
            if is_empty(first.get(prop)):
                first[prop] = value
            elif as_text(first[prop]) != as_text(value) and not draft.source.from_exact:
                draft.refuse(item.name, "differs from that of the first line, which holds it")
