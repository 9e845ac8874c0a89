"""Escape control characters, so that foreign text cannot drive a terminal or forge a log."""

from __future__ import annotations

import re

_OBEYED = re.compile(
    # Control characters except line feed and tab, among them those that start escape sequences.
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f"
    # Unicode line separators, and marks that change the reading direction.
    r"\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
    # Surrogates, which no stream can encode.
    r"\ud800-\udfff]"
)


def printable(text: str) -> str:
    r"""Escape control characters as JSON does: `\u001b`."""
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def one_line(text: str) -> str:
    r"""Escape control characters and line breaks, so that the text stays on one line."""
    return printable(text.replace("\r\n", "\n").replace("\n", "\\n"))


def counted(number: int, one: str, many: str = "") -> str:
    """Write a number with its noun, such as `1 row` or `2,500 rows`; `many` if not with an s."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
