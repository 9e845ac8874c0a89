"""Hide the values of records and books in the log."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HIDDEN = "..."
SHORTEST_TEXT, SHORTEST_NUMBER = 3, 5
"""Length below which a value is not hidden: it is part of too many words."""


def values(content: object) -> Iterator[str]:
    """List the values of a record that have to be hidden, as a reason would quote them."""
    if isinstance(content, Mapping):
        content = list(content.values())
    if isinstance(content, (list, tuple)):
        for item in content:
            yield from values(item)
        return
    text = "" if content is None or isinstance(content, bool) else str(content).strip()
    if len(text) >= (SHORTEST_TEXT if isinstance(content, str) else SHORTEST_NUMBER):
        yield text


def without(reason: str, private: Iterable[str], reference: str) -> str:
    """Hide values in a reason, except for the reference of the record."""
    quoted = {value for value in private if value in reason and value != reference}
    for value in sorted(quoted, key=len, reverse=True):
        reason = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", HIDDEN, reason)
    return reason
