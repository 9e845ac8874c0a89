"""Names of fields: Exact's own, or anything that differs from them in case and underscores only."""

from __future__ import annotations

from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@lru_cache(maxsize=4096)
def plain(name: str) -> str:
    """What `GLAccount`, `gl_account`, `GL_ACCOUNT` and `glaccount` have in common."""
    return name.replace("_", "").casefold()


def nearest(name: str, candidates: Iterable[str]) -> list[str]:
    """Up to three candidates that look like `name`, the best first.

    A name that `name` begins with is best: beside `Item`, which can be written, stand `ItemCode`
    and `ItemDescription`, which cannot.
    """
    by_plain = {plain(candidate): candidate for candidate in candidates}
    wanted = plain(name)
    stems = [candidate for candidate in by_plain if wanted.startswith(candidate)]
    close = get_close_matches(wanted, by_plain)
    best = dict.fromkeys([*sorted(stems, key=len, reverse=True), *close])
    return [by_plain[candidate] for candidate in best][:3]
