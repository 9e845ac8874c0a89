"""A column of a table as horizontal bars, in SVG."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from benchmarks.report import shown

if TYPE_CHECKING:
    from benchmarks.report import Table

WIDTH, HEAD, LABEL, BAR, GAP = 760, 40, 300, 22, 8
ROOM = WIDTH - LABEL - 110
BLUE = "#2f6f9f"


def svg(table: Table) -> str | None:
    """The picture of a table; None where it has none."""
    if table.drawn is None:
        return None
    column = table.columns.index(table.drawn)
    bars = [
        (shown(row[0]), value)
        for row in table.rows
        if isinstance(value := row[column], (int, float))
    ]
    most = max((value for _, value in bars), default=0) or 1
    height = HEAD + len(bars) * (BAR + GAP) + GAP
    head = _tag("text", f"{table.title}: {table.drawn}", x=10, y=24, font_weight="bold")
    parts = [_tag("rect", width=WIDTH, height=height, fill="#ffffff"), head]
    for number, (label, value) in enumerate(bars):
        top = HEAD + number * (BAR + GAP)
        width = max(round(ROOM * value / most), 1)
        middle = top + BAR // 2 + 4
        parts += [
            _tag("text", label, x=LABEL - 10, y=middle, text_anchor="end"),
            _tag("rect", x=LABEL, y=top, width=width, height=BAR, fill=BLUE),
            _tag("text", shown(value), x=LABEL + width + 8, y=middle),
        ]
    outside = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
    style = f'width="{WIDTH}" height="{height}" font-family="sans-serif" font-size="13"'
    return "\n".join([f"{outside} {style}>", *parts, "</svg>", ""])


def _tag(name: str, text: str | None = None, **attributes: object) -> str:
    given = "".join(
        f' {key.replace("_", "-")}="{escape(str(value))}"' for key, value in attributes.items()
    )
    return f"<{name}{given}/>" if text is None else f"<{name}{given}>{escape(text)}</{name}>"
