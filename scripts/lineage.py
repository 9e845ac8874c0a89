"""The drawing `docs/images/models.svg`: the models of the books, and what each is built from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scripts.dbt import PROJECT
from scripts.drawing import STYLE, Box, layers, line, ordered, rectangle, reduced, text
from scripts.pages import DOCS, Files

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

FOLDERS = ("marts", "intermediate")
CALL = re.compile(r"\{\{ *(?:exact_online\.)?(\w+)\(")
REFERENCE = re.compile(r"\bref\('(\w+)'\)")
LETTER, PADDING, HEIGHT, ROW, GAP, MARGIN, FOOT = 7.3, 16, 26, 44, 44, 12, 34
"""In pixels: a letter, what a box has beside its name, a box and the space below it, between
columns, around all of it, and for the note."""
NOTE = (
    "From the left to the right: each box is built from those it is joined to on its left, and "
    "from rows of Exact (stg_exact__*). Lines that follow from others are left out."
)
MART = "exact__"


def build() -> Files:
    """Draw the models of the project."""
    return {DOCS / "images" / "models.svg": draw(references())}


def references() -> dict[str, set[str]]:
    """The models of the books and those that they are built from, by name."""
    macros = dict(_macros())
    found = {
        path.stem: _referred(path.read_text(encoding="utf-8"), macros)
        for folder in FOLDERS
        for path in (PROJECT / "models" / folder).glob("*.sql")
    }
    wanted: set[str] = set()
    new = {name for name in found if name.startswith(MART)}
    while new:
        wanted |= new
        new = {other for name in new for other in found[name] if other in found} - wanted
    return {name: found[name] & wanted for name in wanted}


def _macros() -> Iterable[tuple[str, set[str]]]:
    """The macros of the project, with the models that they refer to."""
    for path in (PROJECT / "macros").glob("*.sql"):
        _, *macros = path.read_text(encoding="utf-8").split("{% macro ")
        for macro in macros:
            yield macro.partition("(")[0], {*REFERENCE.findall(macro)}


def _referred(sql: str, macros: Mapping[str, set[str]]) -> set[str]:
    """The models that a model refers to, by itself or by a macro."""
    used = (macros.get(name, set()) for name in CALL.findall(sql))
    return {*REFERENCE.findall(sql)}.union(*used)


def draw(references: Mapping[str, Iterable[str]]) -> str:
    """The drawing as SVG; equal models give an equal file."""
    edges = {(name, other) for name, others in references.items() for other in others}
    drawn = reduced(edges)
    columns = ordered(layers(references, edges), drawn)[::-1]
    height = ROW * max(map(len, columns)) + 2 * MARGIN + FOOT
    boxes = _boxes(columns, height - FOOT)
    width = max(box.left + box.width for box in boxes.values()) + MARGIN
    size = f'viewBox="0 0 {width:.0f} {height:.0f}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="about">',
            '<title id="about">The models of the books, and what each is built from</title>',
            f"<style>\n{STYLE}</style>",
            f'<rect width="{width:.0f}" height="{height:.0f}" fill="#ffffff"/>',
            *(_line(boxes[source], boxes[built]) for built, source in sorted(drawn)),
            *(part for name, box in boxes.items() for part in _box(name, box)),
            text(width / 2, height - FOOT / 3, NOTE, "note"),
            "</svg>\n",
        ]
    )


def _boxes(columns: Sequence[Sequence[str]], height: float) -> dict[str, Box]:
    """A box for each model; each column is in the middle of the height."""
    boxes: dict[str, Box] = {}
    left = float(MARGIN)
    for column in columns:
        width = LETTER * max(map(len, column)) + PADDING
        top = (height - ROW * len(column)) / 2 + (ROW - HEIGHT) / 2
        for number, name in enumerate(column):
            boxes[name] = Box(left, top + ROW * number, width, HEIGHT)
        left += width + GAP
    return boxes


def _box(name: str, box: Box) -> tuple[str, str]:
    kind = "package" if name.startswith(MART) else "room"
    return rectangle(box, kind), text(box.centre, box.top + 17, name, "name")


def _line(source: Box, built: Box) -> str:
    start = (source.left + source.width, source.top + HEIGHT / 2)
    return line([start, (built.left, built.top + HEIGHT / 2)], "inside")
