"""The drawing `docs/images/architecture.svg`: packages, their rooms, and their imports.

A package is a box; a room, a module or folder directly in it, is a smaller box inside. Packages and
rooms are in layers: each is below all that import it. Equal code gives an equal file.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from scripts.modules import PACKAGES
from scripts.pages import DOCS, ROOT, Files

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    import grimp

    Edge = tuple[str, str]
    """Importer and imported."""
    Point = tuple[float, float]

ROOM_DEPTH = 2
"""Parts of a room's name: `tap_exactonline.readers`."""
LETTER, NOTE_LETTER = 7.3, 6.2
"""Width of a letter of a name, and of a note."""
ROOM_HEIGHT, ROW_HEIGHT, HEAD_HEIGHT = 24, 42, 50
"""Of a room's box, of a layer of rooms with the space below it, and of a package's title."""
PADDING, GAP, SPACE, MARGIN, FOOT = 14, 10, 56, 10, 30
"""In a package, between rooms, between packages, around all of it, and for the footnote."""
FOOTNOTE = (
    "Every box is below all that import it. Inside a package, lines that follow from others are "
    "left out."
)
STYLE = """\
text { font: 12px sans-serif; fill: #33414e; text-anchor: middle; }
.package { fill: #eef3f8; stroke: #123a5c; stroke-width: 1.5; }
.room { fill: #ffffff; stroke: #6f8aa3; }
.title { font-weight: bold; font-size: 14px; fill: #10202e; }
.name { font-family: monospace; fill: #10202e; }
.label { paint-order: stroke; stroke: #ffffff; stroke-width: 6; }
.inside { fill: none; stroke: #9db2c6; }
.between { fill: none; stroke: #123a5c; stroke-width: 2; marker-end: url(#arrow); }
"""
ARROW = (
    '<defs><marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="5" '
    'markerHeight="5" orient="auto"><path d="M0 0 10 5 0 10z" fill="#123a5c"/></marker></defs>'
)


def build() -> Files:
    """Draw the packages of the project."""
    # It comes with import-linter, which the other builders can do without.
    import grimp  # noqa: PLC0415

    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    return {DOCS / "images" / "architecture.svg": draw(graph, PACKAGES)}


# The graph


def imports_between(graph: grimp.ImportGraph) -> set[Edge]:
    """Imports between rooms, of all packages."""
    room = {module: ".".join(module.split(".")[:ROOM_DEPTH]) for module in graph.modules}
    return {
        (room[importer], room[imported])
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
        if room[importer] != room[imported]
    }


def imported_rooms(edges: Iterable[Edge]) -> dict[Edge, set[str]]:
    """Imports between packages, with the rooms that are imported."""
    found: dict[Edge, set[str]] = {}
    for importer, imported in edges:
        packages = (importer.partition(".")[0], imported.partition(".")[0])
        if packages[0] != packages[1]:
            found.setdefault(packages, set()).add(imported)
    return found


def layers(nodes: Collection[str], edges: Iterable[Edge]) -> list[list[str]]:
    """Nodes by layer, each as high as its importers allow; `edges` have no cycle."""
    importers: dict[str, set[str]] = {node: set() for node in nodes}
    for importer, imported in edges:
        importers[imported].add(importer)
    depths: dict[str, int] = {}

    def depth(node: str) -> int:
        if node not in depths:
            depths[node] = 1 + max(map(depth, importers[node]), default=-1)
        return depths[node]

    rows: list[list[str]] = [[] for _ in range(1 + max(map(depth, nodes)))]
    for node in sorted(nodes):
        rows[depths[node]].append(node)
    return rows


def reduced(edges: Collection[Edge]) -> set[Edge]:
    """Transitive reduction: edges that no longer path replaces; `edges` have no cycle."""
    imported_by: dict[str, set[str]] = {}
    for importer, imported in edges:
        imported_by.setdefault(importer, set()).add(imported)

    def below(node: str) -> set[str]:
        direct = imported_by.get(node, set())
        return direct.union(*map(below, direct))

    return {
        (importer, imported)
        for importer, imported in edges
        if not any(imported in below(other) for other in imported_by[importer])
    }


def ordered(rows: Sequence[Sequence[str]], edges: Collection[Edge]) -> list[list[str]]:
    """Sort each layer by the mean position of its importers, so that few lines cross."""
    positions: dict[str, float] = {}

    def position(node: str) -> tuple[float, str]:
        above = [positions[a] for a, b in edges if b == node and a in positions]
        return (sum(above) / len(above) if above else 0.5, node)

    found = []
    for row in rows:
        found.append(sorted(row, key=position))
        positions |= {node: (at + 0.5) / len(row) for at, node in enumerate(found[-1])}
    return found


# The layout


@dataclass(frozen=True)
class Box:
    """A rectangle, in pixels."""

    left: float
    top: float
    width: float
    height: float

    @property
    def centre(self) -> float:
        """Of its width."""
        return self.left + self.width / 2

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.top + self.height

    def at(self, share: float) -> float:
        """A position on its width, from 0 to 1."""
        return self.left + self.width * share


@dataclass(frozen=True)
class Package:
    """A package and its rooms in layers."""

    name: str
    note: str
    rows: list[list[str]]
    edges: set[Edge]
    """Those to draw between its rooms."""

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of its box."""
        widths = [_row_width(row) for row in self.rows]
        width = max(LETTER * len(self.name), NOTE_LETTER * len(self.note), *widths)
        height = HEAD_HEIGHT + ROW_HEIGHT * (len(self.rows) - 1) + ROOM_HEIGHT
        return width + 2 * PADDING, height + PADDING


def package_of(name: str, graph: grimp.ImportGraph, edges: Iterable[Edge]) -> Package:
    """A package with its rooms; `edges` are the imports between all rooms."""
    rooms = {room for room in graph.find_children(name) if not _name(room).startswith("__")}
    inside = {(importer, imported) for importer, imported in edges if {importer, imported} <= rooms}
    drawn = reduced(inside)
    source = (ROOT / name / "__init__.py").read_text(encoding="utf-8")
    note = (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0].replace("`", "")
    return Package(name, note, ordered(layers(rooms, inside), drawn), drawn)


def package_boxes(rows: Sequence[Sequence[Package]]) -> dict[str, Box]:
    """Boxes of packages by name: layers below each other, each in the middle of the drawing."""
    widths = [sum(one.size[0] for one in row) + SPACE * (len(row) - 1) for row in rows]
    boxes: dict[str, Box] = {}
    top = float(MARGIN)
    for row, width in zip(rows, widths, strict=True):
        left, height = MARGIN + (max(widths) - width) / 2, max(one.size[1] for one in row)
        for one in row:
            boxes[one.name] = Box(left, top, one.size[0], height)
            left += one.size[0] + SPACE
        top += height + SPACE
    return boxes


def room_boxes(package: Package, box: Box) -> dict[str, Box]:
    """Boxes of a package's rooms by name, in the package's own box."""
    boxes = {}
    for number, row in enumerate(package.rows):
        left = box.centre - _row_width(row) / 2
        for room in row:
            top = box.top + HEAD_HEIGHT + ROW_HEIGHT * number
            boxes[room] = Box(left, top, _room_width(room), ROOM_HEIGHT)
            left += _room_width(room) + GAP
    return boxes


@dataclass(frozen=True)
class Arrow:
    """An arrow from a package to one that it imports."""

    points: list[Point]
    label: str
    """What it imports, where that is a single room."""


def arrows(
    edges: Mapping[Edge, set[str]], rows: Sequence[Sequence[str]], boxes: Mapping[str, Box]
) -> list[Arrow]:
    """Arrows between packages; `edges` holds the rooms that each imports.

    An arrow passes the layers in between by the gap nearest to its start.
    """
    row_of = {name: number for number, row in enumerate(rows) for name in row}
    gaps = {
        (importer, imported): [
            _gap(rows[number], boxes, boxes[importer].centre)
            for number in range(row_of[importer] + 1, row_of[imported])
        ]
        for importer, imported in edges
    }
    starts = {
        name: _ports(
            (passed[0][0] if passed else boxes[imported].centre, imported)
            for (importer, imported), passed in gaps.items()
            if importer == name
        )
        for name in boxes
    }
    ends = {
        name: _ports(
            (passed[-1][0] if passed else boxes[importer].centre, importer)
            for (importer, imported), passed in gaps.items()
            if imported == name
        )
        for name in boxes
    }
    return [
        Arrow(
            [
                (boxes[importer].at(starts[importer][imported]), boxes[importer].bottom),
                *(point for x, top, bottom in passed for point in ((x, top), (x, bottom))),
                (boxes[imported].at(ends[imported][importer]), boxes[imported].top),
            ],
            _label(edges[importer, imported] - {imported}),
        )
        for (importer, imported), passed in sorted(gaps.items())
    ]


def _label(rooms: set[str]) -> str:
    return f"{_name(*rooms)} only" if len(rooms) == 1 else ""


def _ports(others: Iterable[tuple[float, str]]) -> dict[str, float]:
    """Where on the width of a box (0 to 1) its arrows start or end, by the box at the other end.

    They are in the order of `others`: where each comes from or goes to, and its box.
    """
    names = [name for _, name in sorted(others)]
    return {name: (at + 1) / (len(names) + 1) for at, name in enumerate(names)}


def _gap(row: Sequence[str], boxes: Mapping[str, Box], x: float) -> tuple[float, float, float]:
    """Middle, top and bottom of the gap of a layer that is nearest to `x`."""
    edges = [boxes[name].left + boxes[name].width for name in row[:-1]]
    middles = [edge + SPACE / 2 for edge in edges] or [MARGIN / 2]
    box = boxes[row[0]]
    return min(middles, key=lambda middle: abs(middle - x)), box.top, box.bottom


def _name(room: str) -> str:
    return room.rpartition(".")[2]


def _room_width(room: str) -> float:
    return LETTER * len(_name(room)) + 16


def _row_width(row: Sequence[str]) -> float:
    return sum(map(_room_width, row)) + GAP * (len(row) - 1)


# The file


def draw(graph: grimp.ImportGraph, names: Sequence[str]) -> str:
    """The drawing of packages as SVG."""
    edges = imports_between(graph)
    between = imported_rooms(edges)
    names_in_rows = layers(names, between)
    rows = [[package_of(name, graph, edges) for name in row] for row in names_in_rows]
    boxes = package_boxes(rows)
    parts = [part for row in rows for one in row for part in _package(one, boxes[one.name])]
    for arrow in arrows(between, names_in_rows, boxes):
        parts.append(line(arrow.points, "between"))
        if arrow.label:
            (x, y), (to_x, to_y) = arrow.points[-2:]
            parts.append(text((x + to_x) / 2, (y + to_y) / 2, arrow.label, "label"))
    width = max(box.left + box.width for box in boxes.values()) + MARGIN
    height = max(box.bottom for box in boxes.values()) + FOOT
    size = f'width="{width:.0f}" height="{height:.0f}"'
    view = f'viewBox="0 0 {width:.0f} {height:.0f}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {view} role="img" aria-labelledby="about">',
            '<title id="about">The packages, their rooms, and what imports what</title>',
            f"<style>\n{STYLE}</style>",
            ARROW,
            f'<rect {size} fill="#ffffff"/>',
            *parts,
            text(width / 2, height - FOOT / 3, FOOTNOTE, "note"),
            "</svg>\n",
        ]
    )


def _package(package: Package, box: Box) -> list[str]:
    rooms = room_boxes(package, box)
    lines = [
        line([(rooms[a].centre, rooms[a].bottom), (rooms[b].centre, rooms[b].top)], "inside")
        for a, b in sorted(package.edges)
    ]
    return [
        rectangle(box, "package"),
        text(box.centre, box.top + 20, package.name, "title"),
        text(box.centre, box.top + 38, package.note, "note"),
        *lines,
        *(rectangle(room, "room") for room in rooms.values()),
        *(text(at.centre, at.top + 16, _name(room), "name") for room, at in rooms.items()),
    ]


def rectangle(box: Box, kind: str) -> str:
    """A box, of a class of the style."""
    return (
        f'<rect class="{kind}" x="{box.left:.0f}" y="{box.top:.0f}" width="{box.width:.0f}" '
        f'height="{box.height:.0f}" rx="5"/>'
    )


def text(x: float, y: float, content: str, kind: str) -> str:
    """A text with its middle at `x`."""
    return f'<text class="{kind}" x="{x:.0f}" y="{y:.0f}">{escape(content)}</text>'


def line(points: Iterable[Point], kind: str) -> str:
    """A line from point to point."""
    path = " ".join(f"{x:.0f} {y:.0f}" for x, y in points)
    return f'<path class="{kind}" d="M{path}"/>'
