"""Compare a document with its row at Exact Online, and list the changes that make them equal."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from exactonline_client import catalogue
from exactonline_client.odata.decoding import EPOCH, milliseconds
from exactonline_client.odata.literals import EMPTY_GUID, INTEGERS, NUMBERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from exactonline_client.catalogue import Endpoint, Property
    from target_exactonline.load.search import Columns, Row
    from target_exactonline.mapping.model import Document

LINE_NUMBER = "LineNumber"
STATUS = "Status"
LONGEST_VALUE = 60
"""Length to which a difference shows a value."""


@dataclass(frozen=True)
class LineChange:
    """A line that is to be changed (PUT), added (POST) or removed (DELETE)."""

    method: str
    endpoint: Endpoint
    key: str | None
    body: dict[str, Any]


@dataclass
class Changes:
    """Changes that give a row the content of a document."""

    header: dict[str, Any] = field(default_factory=dict)
    """Fields to be changed."""
    lines: list[LineChange] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    """Names of the fields and lines to change."""
    fixed: list[str] = field(default_factory=list)
    """Names of those that differ, and that the API cannot change."""
    values: list[str] = field(default_factory=list)
    """All differences, with old and new values."""

    @property
    def wanted(self) -> bool:
        """Whether there is anything to change."""
        return bool(self.header or self.lines)

    @property
    def adds_lines(self) -> bool:
        """Whether lines are to be added, each of which must be added once."""
        return any(line.method == "POST" for line in self.lines)

    @property
    def removes_lines(self) -> bool:
        """Whether lines that are there would be removed."""
        return any(line.method == "DELETE" for line in self.lines)

    def differ(self, name: str, old: object, new: object, *, can_change: bool) -> None:
        """Note a difference."""
        (self.names if can_change else self.fixed).append(name)
        self.values.append(f"{name}: {_shown(old)} -> {_shown(new)}")


def columns(endpoint: Endpoint, documents: Iterable[Document]) -> Columns:
    """List the columns to read of documents, and of their lines, to compare them."""
    result: Columns = {"": [STATUS] if STATUS in endpoint.columns else []}
    for document in documents:
        for name, value in document.fields.items():
            item = endpoint.properties[name]
            if not item.navigation:
                _add(result[""], [name], endpoint)
            elif item.entity and item.field:
                lines = catalogue.load().endpoints[item.entity]
                asked = result.setdefault(name, [lines.key[0]])
                _add(asked, [LINE_NUMBER], lines)
                for line in value or []:
                    _add(asked, line, lines)
    return result


def _add(asked: list[str], names: Iterable[str], endpoint: Endpoint) -> None:
    asked.extend(
        name for name in names
        if name not in asked and name in endpoint.columns
        and endpoint.columns[name].type != "Edm.Binary"
    )  # fmt: skip


def compare(endpoint: Endpoint, fields: Mapping[str, Any], row: Row) -> Changes:
    """List the changes from a row of the API to the fields of a document.

    Only these fields are compared: others stay as they are.
    """
    changes = Changes()
    changes.header = _fields(endpoint, fields, row, changes, "", can_put="PUT" in endpoint.methods)
    for name, value in fields.items():
        item = endpoint.properties[name]
        if item.navigation and item.entity and item.field and value is not None:
            _lines(endpoint, item, value, row, changes)
    return changes


def _fields(  # noqa: PLR0913
    endpoint: Endpoint,
    fields: Mapping[str, Any],
    row: Row,
    changes: Changes,
    where: str,
    *,
    can_put: bool,
) -> dict[str, Any]:
    """List the fields of one row to change."""
    wanted = {}
    for name, value in fields.items():
        item = endpoint.columns.get(name)
        if item is None or item.key or item.type == "Edm.Binary" or name == LINE_NUMBER:
            continue
        old = row.get(name)
        if not same(item, value, old):
            can_change = can_put and item.put
            changes.differ(where + name, old, value, can_change=can_change)
            if can_change:
                wanted[name] = value
    return wanted


def _lines(
    endpoint: Endpoint, collection: Property, wanted: list[Row], row: Row, changes: Changes
) -> None:
    """Match the lines of a document with those that are there, and compare them."""
    lines = catalogue.load().endpoints[collection.entity or ""]
    there = sorted(row.get(collection.name) or [], key=lambda line: line.get(LINE_NUMBER) or 0)
    pairs = _paired(lines.key[0], wanted, there)
    for number, (line, old) in enumerate(zip(wanted, pairs, strict=True), start=1):
        name = f"{collection.name}[{number}]"
        if old is not None:
            put = "PUT" in lines.methods
            body = _fields(lines, line, old, changes, f"{name}.", can_put=put)
            if body:
                changes.lines.append(LineChange("PUT", lines, str(old[lines.key[0]]), body))
        elif "POST" in lines.methods:
            changes.differ(name, None, "a new line", can_change=True)
            filled = {key: value for key, value in line.items() if value is not None}
            body = {**filled, str(collection.field): row[endpoint.key[0]]}
            changes.lines.append(LineChange("POST", lines, None, body))
        else:
            changes.differ(name, None, "a new line", can_change=False)
    for old in there:
        if not any(old is line for line in pairs):
            can_change = "DELETE" in lines.methods
            name = f"{collection.name} line {old.get(LINE_NUMBER) or ''}".rstrip()
            changes.differ(name, "a line", None, can_change=can_change)
            if can_change:
                key = str(old[lines.key[0]])
                changes.lines.append(LineChange("DELETE", lines, key, {}))


def _paired(key: str, wanted: list[Row], there: list[Row]) -> list[Row | None]:
    """Find the present line of each wanted one: by its key, its number, or its position."""
    pairs: list[Row | None] = [None] * len(wanted)
    left = list(there)
    for name in (key, LINE_NUMBER):
        for position, line in enumerate(wanted):
            if pairs[position] is None and line.get(name) is not None:
                pairs[position] = next(
                    (old for old in left if _equal(old.get(name), line[name])), None
                )
                left = [old for old in left if old is not pairs[position]]
    # If no number fits, they are counted differently, such as 10, 20, 30, and only give the order.
    numbered = any(pairs)
    for position, line in enumerate(wanted):
        known = line.get(key) is not None or (numbered and line.get(LINE_NUMBER) is not None)
        if pairs[position] is None and not known and left:
            pairs[position] = left.pop(0)
    return pairs


def _equal(old: object, new: object) -> bool:
    return str(old).casefold() == str(new).casefold()


def same(item: Property, value: object, old: object) -> bool:  # noqa: PLR0911
    """Whether a value of a body is the same as that of the API.

    Text without the spaces around it, numbers by their value, days by their date.
    """
    if _empty(value) or _empty(old):
        return _empty(value) and _empty(old)
    try:
        if item.type in NUMBERS or item.type in INTEGERS:
            return math.isclose(float(str(value)), float(str(old)), rel_tol=1e-12)
        if item.type == "Edm.Boolean":
            return bool(value) == bool(old)
        if item.type == "Edm.DateTime":
            length = len("2026-06-25") if item.date == "date" else len("2026-06-25T10:00:00")
            return _wall(str(value))[:length] == _wall(str(old))[:length]
    except ValueError:
        return False
    if item.type == "Edm.Guid":
        return _equal(old, value)
    return _text(value) == _text(old)


def _empty(value: object) -> bool:
    return value is None or value in ("", EMPTY_GUID)


def _text(value: object) -> str:
    return str(value).replace("\r\n", "\n").strip()


def _wall(value: str) -> str:
    if value.startswith("/Date("):
        return (EPOCH + timedelta(milliseconds=milliseconds(value))).isoformat()
    return value if "T" in value else f"{value}T00:00:00"


def _shown(value: object) -> str:
    if isinstance(value, str):
        text = _wall(value) if value.startswith("/Date(") else value.strip()
        return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}..."
    return "nothing" if value is None else str(value)
