"""The drawing of the models of the books."""

from __future__ import annotations

from defusedxml import ElementTree

from scripts import lineage
from scripts.dbt import PROJECT

SVG = "{http://www.w3.org/2000/svg}"


def test_all_books_are_in_it() -> None:
    found = lineage.references()
    books = {path.stem for path in (PROJECT / "models" / "marts").glob("*.sql")}
    assert books <= found.keys()
    assert all(found[name] for name in books)


def test_a_model_stands_to_the_right_of_what_it_is_built_from() -> None:
    picture = ElementTree.fromstring(
        lineage.draw({"exact__b": {"int_exact__a"}, "int_exact__a": ()})
    )
    places = {
        item.text: float(item.attrib["x"])
        for item in picture.iter(f"{SVG}text")
        if item.get("class") == "name"
    }
    assert places["int_exact__a"] < places["exact__b"]
