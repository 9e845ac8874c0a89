"""The drawing of how the core tables join."""

from __future__ import annotations

from defusedxml import ElementTree

from scripts import joins
from tap_exactonline.definitions import dictionary

SVG = "{http://www.w3.org/2000/svg}"


def test_every_core_table_has_its_place() -> None:
    drawn = [name for families in joins.GROUPS.values() for family in families for name in family]
    assert sorted(drawn) == sorted(dictionary.CORE)


def test_an_arrow_leads_from_documents_to_their_lines() -> None:
    found = joins.headers()
    for families in joins.GROUPS.values():
        for header, *lines in families:
            assert all(found[name][1] == header for name in lines)


def test_a_card_holds_what_the_columns_point_to() -> None:
    picture = ElementTree.fromstring(joins.draw({"contacts": [("Account", "accounts")]}))
    texts = [item.text for item in picture.iter(f"{SVG}text") if item.get("class") != "group"]
    at = texts.index("contacts")
    assert texts[at : at + 3] == ["contacts", "Account", "→ accounts"]
