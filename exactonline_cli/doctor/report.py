"""A report of a check-up that may be shared: facts and shapes, no values of the company."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from exactonline_cli.doctor.calls import OK, NotSeen

if TYPE_CHECKING:
    from exactonline_cli.doctor.calls import Answer
    from exactonline_cli.doctor.checkup import Checkup

FORM = 1
"""Version of the report's form."""
DATE = re.compile(r"/Date\(-?\d+\)/")
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
NUMBER = re.compile(r"-?\d+(\.\d+)?")


def report(checkup: Checkup) -> dict[str, Any]:
    """Build the report."""
    return {
        "form": FORM,
        "region": checkup.connection.app.region.code,
        "calls": checkup.calls.count,
        "checks": [
            {"name": finding.name, "result": finding.result, **finding.facts}
            for finding in checkup.findings
        ],
        "assumptions": [
            {
                "name": verdict.assumption.name,
                "sentence": verdict.assumption.sentence,
                "verdict": verdict.verdict,
                "why": verdict.why,
            }
            for verdict in checkup.verdicts
        ],
        "answers": [_shape(path, answer) for path, answer in checkup.calls.made.items()],
    }


def _shape(path: str, answer: Answer) -> dict[str, Any]:
    """Describe an answer by its call, status, headers and the kinds of its values."""
    columns: dict[str, list[str]] = {}
    rows = 0
    if answer.status == OK:
        try:
            found = answer.rows
        except NotSeen:
            found = []
        rows = len(found)
        for row in found:
            for name, value in row.items():
                kinds = columns.setdefault(name, [])
                kinds.extend({kind(value)} - {*kinds})
    return {
        "call": path.partition("?")[0],
        "options": sorted(re.findall(r"[?&](\$\w+)=", path)),
        "status": answer.status,
        "headers": sorted({name.lower() for name in answer.response.headers}),
        "rows": rows,
        "columns": {name: sorted(kinds) for name, kinds in columns.items()},
    }


def kind(value: object) -> str:
    """Name the kind of a value, without the value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, int):
        return "whole number"
    if isinstance(value, float):
        return "number"
    if isinstance(value, str):
        return _text_kind(value)
    return "rows" if isinstance(value, list) else "object"


def _text_kind(value: str) -> str:
    if not value:
        return "empty text"
    for pattern, name in ((DATE, "/Date(ms)/"), (GUID, "guid"), (NUMBER, "number as text")):
        if pattern.fullmatch(value):
            return name
    return "padded text" if value != value.strip() else "text"
