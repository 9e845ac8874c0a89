"""Normalise and compare field names, which may differ from the API in case and underscores."""

from __future__ import annotations

from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@lru_cache(maxsize=4096)
def plain(name: str) -> str:
    """Normalise a name: `GLAccount`, `gl_account` and `GL_ACCOUNT` become `glaccount`."""
    return name.replace("_", "").casefold()


def nearest(name: str, candidates: Iterable[str]) -> list[str]:
    """Return up to three candidates that are similar to `name`, the best first.

    Prefixes of `name` come first: for the read-only `ItemCode`, the writable `Item`.
    """
    by_plain = {plain(candidate): candidate for candidate in candidates}
    wanted = plain(name)
    stems = [candidate for candidate in by_plain if wanted.startswith(candidate)]
    close = get_close_matches(wanted, by_plain)
    best = dict.fromkeys([*sorted(stems, key=len, reverse=True), *close])
    return [by_plain[candidate] for candidate in best][:3]
