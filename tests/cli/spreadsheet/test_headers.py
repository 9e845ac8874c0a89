"""The table of headers: each stands for a field that can be written, or for a meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exactonline_cli.spreadsheet import headers, template
from exactonline_cli.spreadsheet.countries import NAMES, country_code
from target_exactonline.schema import entities
from target_exactonline.schema.fields import shape_of
from target_exactonline.stream_config import collection

if TYPE_CHECKING:
    from target_exactonline.schema.fields import Shape

SECTIONS = [name for name in headers.words() if name != headers.EVERYWHERE]


def shapes(name: str) -> dict[str, Shape]:
    entity = entities.find(name)
    shape = shape_of(entity.endpoint.id)
    lines = collection(entity)
    return {"document": shape, **({"lines": shape.children[lines.name]} if lines else {})}


@pytest.mark.parametrize("section", SECTIONS)
def test_every_field_can_be_written(section: str) -> None:
    possible = shapes(section)
    for part, fields in headers.words()[section].items():
        beside = {
            link.name + column
            for link in possible[part].links.values()
            for column in link.target.by
        }
        for name in fields:
            assert name in headers.MEANINGS or name in {*possible[part].writable, *beside}, name


@pytest.mark.parametrize("section", SECTIONS)
def test_every_reference_can_be_found_by_a_text(section: str) -> None:
    for part, fields in headers.words()[section].items():
        shape = shapes(section)[part]
        for name in set(fields) & set(shape.writable):
            is_key = shape.endpoint.properties[name].type == "Edm.Guid"
            assert not is_key or shape.links[name].target.by, name


@pytest.mark.parametrize("section", SECTIONS)
def test_every_header_is_known_by_its_own_entity(section: str) -> None:
    known = headers.vocabulary(entities.find(section))
    for part, fields in headers.words()[section].items():
        for name, by_language in fields.items():
            for texts in by_language.values():
                for text in texts:
                    assert headers.Field(name, part) in known.find(text), text


def test_other_entities_are_known_by_the_names_of_exact() -> None:
    known = headers.vocabulary(entities.find("projects"))
    assert [field.name for field in known.find("description")] == ["Description"]
    assert [field.name for field in known.find("start_date")] == ["StartDate"]


@pytest.mark.parametrize("language", template.LANGUAGES)
def test_the_headers_of_a_template_are_known(language: str) -> None:
    known = headers.vocabulary(entities.find("sales_invoices"))
    for text, (part, name) in zip(template.headers(language), template.COLUMNS, strict=True):
        assert headers.Field(name, part) in known.find(text), text


def test_every_country_has_its_code_once() -> None:
    for code, names in NAMES.items():
        assert {country_code(name) for name in names.split(", ")} == {code}
    assert country_code("nederland") == country_code("NL") == country_code("nl") == "NL"
    assert country_code("Atlantis") is None
