"""Text of others, made so that a terminal or a log shows it and does not obey it."""

from __future__ import annotations

import re

_OBEYED = re.compile(
    # Control characters but for line breaks and tabs, with those that begin a terminal's commands.
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f"
    # Line breaks by other names, and marks that make a line read in another order.
    r"\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
    # Halves of characters, which no stream takes.
    r"\ud800-\udfff]"
)


def printable(text: str) -> str:
    r"""The text with what a terminal would obey written out, as JSON does: `\u001b`."""
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def one_line(text: str) -> str:
    r"""The same on one line, so that nobody else's text can pass for a line of ours."""
    return printable(text.replace("\r\n", "\n").replace("\n", "\\n"))
