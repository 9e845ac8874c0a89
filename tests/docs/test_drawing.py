"""The drawing of the architecture: layers and lines for any graph of imports, and a sound file."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from scripts import drawing
from scripts.modules import PACKAGES
from tests.built import ROOT

if TYPE_CHECKING:
    from collections.abc import Collection

NODES = "abcdefgh"
SVG = "{http://www.w3.org/2000/svg}"


@st.composite
def acyclic(draw: st.DrawFn) -> set[tuple[str, str]]:
    """Imports without a cycle: a node imports later ones only."""
    pairs = [(a, b) for a in NODES for b in NODES if a < b]
    return draw(st.sets(st.sampled_from(pairs)))


def reachable(edges: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    pairs = {*edges}
    while more := {(a, d) for a, b in pairs for c, d in edges if b == c} - pairs:
        pairs |= more
    return pairs


@given(edges=acyclic())
def test_each_node_is_just_below_its_lowest_importer(edges: set[tuple[str, str]]) -> None:
    rows = drawing.layers(NODES, edges)
    row_of = {node: number for number, row in enumerate(rows) for node in row}
    assert sorted(row_of) == sorted(NODES)
    for node in NODES:
        importers = [row_of[a] for a, b in edges if b == node]
        assert row_of[node] == 1 + max(importers, default=-1)


@given(edges=acyclic())
def test_a_line_is_left_out_if_and_only_if_others_imply_it(edges: set[tuple[str, str]]) -> None:
    kept = drawing.reduced(edges)
    assert kept <= edges
    assert reachable(kept) == reachable(edges)
    for edge in kept:
        assert edge not in reachable(kept - {edge})


def test_it_names_every_package_and_room_and_needs_nothing_from_elsewhere() -> None:
    root = ET.parse(ROOT / "docs" / "images" / "architecture.svg").getroot()  # noqa: S314 - ours
    texts = {element.text for element in root.iter(f"{SVG}text")}
    for package in PACKAGES:
        rooms = {
            path.stem
            for path in (ROOT / package).iterdir()
            if not path.name.startswith("__")
            and (path.suffix == ".py" or (path / "__init__.py").exists())
        }
        assert {package, *rooms} <= texts
    assert "catalogue only" in texts
    assert not [element for element in root.iter() if "href" in "".join(element.attrib)]
