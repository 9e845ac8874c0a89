"""Blocks of a documentation page that are made from the code, and whole pages that are."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

DOCS = Path(__file__).parent.parent / "docs"
BEGIN, END = "<!-- {}: made by make docs-tables -->", "<!-- end of {} -->"


def filled(page: str, **blocks: str) -> str:
    """A page with each of its blocks, which are named in comments, as it should be."""
    for key, content in blocks.items():
        name = key.replace("_", " ")
        begin, end = BEGIN.format(name), END.format(name)
        head, _, rest = page.partition(begin)
        _, found, tail = rest.partition(end)
        if not found:
            sys.exit(f"The page has no block {name!r}: write {begin} and {end} where it belongs.")
        page = f"{head}{begin}\n\n{content.strip()}\n\n{end}{tail}"
    return page


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def keep_up(name: str, make: Callable[[str], str], source: str) -> None:
    """Bring a page up to date; with `--check` on the command line, only say whether it is not.

    Args:
        name: the page's file.
        make: gives the page as it should be, from the page as it is.
        source: what the page is made from, in a word.
    """
    parser = argparse.ArgumentParser(description=f"Write docs/{name} from the {source}.")
    parser.add_argument("--check", action="store_true", help="write nothing, only compare")
    file = DOCS / name
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    after = make(before)
    if not parser.parse_args().check:
        file.write_text(after, encoding="utf-8")
    elif before != after:
        sys.exit(f"docs/{name} lags behind the {source}: run make docs-tables.")
