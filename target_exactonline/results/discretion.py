"""What the log says of a record: why, but nothing that the record or the books hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HIDDEN = "..."
SHORTEST_TEXT, SHORTEST_NUMBER = 3, 5
"""Characters below which a value tells nothing, and is found in too many words."""


def values(content: object) -> Iterator[str]:
    """The values of a record that tell something, as a reason would quote them."""
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
    """A reason in which values are hidden, but for the reference, by which the record is known."""
    found = {value for value in private if value in reason and value != reference}
    for value in sorted(found, key=len, reverse=True):
        reason = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", HIDDEN, reason)
    return reason
