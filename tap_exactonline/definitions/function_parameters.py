"""Parameters of OData functions: convert configured values to literals in a URL."""

from __future__ import annotations

import math
import re
from typing import Any

from exactonline_client.odata.literals import INTEGERS, literal

GUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
DATETIME = r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?)?"
TYPED_TEXT = re.compile(rf"guid'{GUID}'|datetime'{DATETIME}'")
PATTERNS = {
    "Edm.Guid": GUID,
    "Edm.DateTime": DATETIME,
    "Edm.Boolean": "true|false",
    "Edm.Double": r"-?\d+(\.\d+)?([eE][+-]?\d+)?",
    "Edm.String": r"(?s:.*)",
    **dict.fromkeys(sorted(INTEGERS), r"-?\d+"),
}
"""Pattern of a value's text, by Edm type."""
TYPED = {"type", "value"}


def parameter(value: Any) -> str:  # noqa: ANN401 - whatever the configuration holds
    """Convert a value to an OData literal: `1`, `true`, `'text'`, `guid'...'`, `datetime'...'`.

    The type of a number, boolean or string is inferred; a string that is a typed literal is kept.
    `{"type": "Edm.Int64", "value": 5}` sets another type.

    Raises:
        ValueError: the value has no literal form.
    """
    if isinstance(value, dict):
        return _typed(value)
    if isinstance(value, bool):
        return literal(value, "Edm.Boolean")
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return str(value)
    if isinstance(value, str):
        is_literal = TYPED_TEXT.fullmatch(value)
        return value if is_literal else literal(value, "Edm.String")
    raise ValueError(
        'a value is a number, a text, true or false, or {"type": "Edm.Int64", "value": 5}'
    )


def _typed(value: dict[str, Any]) -> str:
    edm = value.get("type")
    if set(value) != TYPED or edm not in PATTERNS:
        raise ValueError(
            "a typed value has a type and a value, and the type is one of "
            + ", ".join(sorted(PATTERNS))
        )
    text = value["value"]
    if isinstance(text, bool):
        text = literal(text, "Edm.Boolean")
    if not isinstance(text, (str, int, float)) or not re.fullmatch(PATTERNS[edm], str(text)):
        raise ValueError(f"this is not a value of type {edm}")
    return str(text) if edm == "Edm.Boolean" else literal(text, edm)
