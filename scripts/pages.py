"""Tables and blocks of the documentation that are made from the code."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Files = dict[Path, str]
"""Files and what must be in them."""
ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
BEGIN, END = "<!-- {}: made by make docs-tables -->", "<!-- end of {} -->"


def filled(name: str, **blocks: str) -> Files:
    """A page of `docs/` with its blocks, which are named in comments, filled in."""
    file = DOCS / name
    page = file.read_text(encoding="utf-8")
    for key, content in blocks.items():
        label = key.replace("_", " ")
        begin, end = BEGIN.format(label), END.format(label)
        head, _, rest = page.partition(begin)
        _, found, tail = rest.partition(end)
        if not found:
            sys.exit(f"{file} has no block {label!r}: write {begin} and {end} where it belongs.")
        page = f"{head}{begin}\n\n{content.strip()}\n\n{end}{tail}"
    return {file: page}


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
