"""Texts as people paste them: without the characters that nobody can see."""

from __future__ import annotations

UNSEEN = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))
"""Characters that take no room: soft hyphen, zero-width ones, byte order mark."""
BLANKS = dict.fromkeys(map(ord, "\u00a0\u2007\u2009\u202f"), " ")
"""Blanks that do not break a line, or are narrow."""
_CLEANING = {**UNSEEN, **BLANKS}


def clean(text: str) -> str:
    """A text without the characters that nobody can see, and without the blanks around it."""
    return text.translate(_CLEANING).strip()
