"""Headers of columns in four languages, and the fields that they stand for.

The words are in `headers.json`: by entity, by whether they belong to the document or to its lines,
by field, by language. A field is a property of Exact Online, or one of the meanings below that
become one.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from target_exactonline.schema import entities
from target_exactonline.schema.fields import shape_of
from target_exactonline.schema.texts import clean
from target_exactonline.stream_config import collection

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from exactonline_client.catalogue import Property
    from target_exactonline.schema.entities import Entity
    from target_exactonline.schema.fields import Shape

DOCUMENT, LINES = "document", "lines"
"""Part of a document that a column belongs to."""

KEY = "key"
"""Document number of the source, by which rows are grouped."""
PARTY = "party"
"""A customer or supplier by code or by name."""
PARTY_NAME = "party_name"
"""The name beside a code, which is for the reader only."""
VAT = "vat"
"""A VAT code, a rate or an amount, decided by the values."""
VAT_RATE = "vat_rate"
PRICE_INCL = "price_incl"
PRICE_OPEN = "price_open"
"""A price of which nobody knows whether it holds the VAT."""
DISCOUNT_AMOUNT = "discount_amount"
DURATION = "duration"
DEBIT, CREDIT, SIDE = "debit", "credit", "side"
LINE_TOTAL, VAT_AMOUNT = "line_total", "vat_amount"
TOTAL_INCL, TOTAL_EXCL, TOTAL_VAT = "total_incl", "total_excl", "total_vat"
AMOUNT_INCL = "amount_incl"
ITEM_NAME, SALES_PRICE = "item_name", "sales_price"
IGNORE = "ignore"
MEANINGS = {
    KEY: DOCUMENT,
    PARTY: DOCUMENT,
    PARTY_NAME: DOCUMENT,
    VAT: LINES,
    VAT_RATE: LINES,
    PRICE_INCL: LINES,
    PRICE_OPEN: LINES,
    DISCOUNT_AMOUNT: LINES,
    DURATION: LINES,
    DEBIT: LINES,
    CREDIT: LINES,
    SIDE: LINES,
    LINE_TOTAL: LINES,
    VAT_AMOUNT: LINES,
    AMOUNT_INCL: LINES,
    ITEM_NAME: LINES,
    TOTAL_INCL: DOCUMENT,
    TOTAL_EXCL: DOCUMENT,
    TOTAL_VAT: DOCUMENT,
    SALES_PRICE: DOCUMENT,
    IGNORE: DOCUMENT,
}
"""Meanings that are no property, and to what they belong."""
CHECKS = frozenset({LINE_TOTAL, VAT_AMOUNT, AMOUNT_INCL, TOTAL_INCL, TOTAL_EXCL, TOTAL_VAT})
"""Amounts that Exact Online reckons itself; they are compared, and not sent."""

ALIKE = {"sales_orders": "sales_invoices"}
"""Entities whose tables have the headers of another."""
EVERYWHERE = "*"
ROW_COLUMN, REASON_COLUMN = "Exact import: row", "Exact import: reason"
"""Columns that a file of rejected rows has at its end."""
WIDE_PREFIXES = re.compile(
    r"^(line_?items?|order_?items?|items?|lines?|regels?|artikel(en)?|lignes?|articles?)[ _.-]*",
    re.IGNORECASE,
)
"""How a header may begin of which a table has one for each item."""


@dataclass(frozen=True)
class Field:
    """What a column holds."""

    name: str
    """A property, a column beside one (`OrderedByName`), or a meaning."""
    part: str
    """`document` or `lines`."""


def plain_header(text: str) -> str:
    """What the spellings of a header have in common: letters and digits, without accents."""
    joined = clean(text).replace("-\n", "").replace("-\r\n", "")
    folded = unicodedata.normalize("NFKC", joined).casefold().replace("%", "pct").replace("#", "no")
    folded = folded.replace("°", "o")
    letters = unicodedata.normalize("NFD", folded)
    return "".join(letter for letter in letters if letter.isalnum())


@cache
def words() -> Mapping[str, Mapping[str, Mapping[str, Mapping[str, Sequence[str]]]]]:
    """All headers: by entity, part, field and language."""
    path = resources.files(__package__).joinpath("headers.json")
    found: Mapping[str, Mapping[str, Mapping[str, Mapping[str, Sequence[str]]]]]
    found = json.loads(path.read_text(encoding="utf-8"))
    return found


@dataclass(frozen=True)
class Vocabulary:
    """The headers that are known for one entity."""

    entity: Entity
    fields: Mapping[str, tuple[Field, ...]]
    """By plain header; several where the header is ambiguous."""
    exact: Mapping[str, tuple[Field, ...]]
    """Names of Exact Online itself, by plain header."""

    def find(self, header: str) -> tuple[Field, ...]:
        """The fields that a header may stand for, those of documents first."""
        name = plain_header(header)
        return self.fields.get(name) or self.exact.get(name) or ()

    def find_in_wide(self, header: str) -> tuple[Field, ...]:
        """The same of a header of a line without its number: `line_item_sku`, `item price`."""
        bare = WIDE_PREFIXES.sub("", clean(header)).strip(" _.-")
        shorter = {"qty": "quantity", "sku": "itemcode", "code": "itemcode"}.get(bare.casefold())
        found = self.find(shorter or bare) if bare else ()
        found = found or self.find(header)
        return tuple(each for each in found if each.part == LINES)

    def count(self, cells: Sequence[str]) -> int:
        """How many of some cells are headers that are known, each field counted once."""
        return len({found[0] for cell in cells if (found := self.find(cell))})

    def named(self, text: str) -> Field | None:
        """The field that a user means by its name or by one of its headers.

        `line Description` is that of the line where both have one.
        """
        forced, _, rest = text.strip().partition(" ")
        if rest and forced.casefold() in {"line", "document"}:
            part = LINES if forced.casefold() == "line" else DOCUMENT
            possible = self.exact.get(plain_header(rest), ()) + self.find(rest)
            meant = next((each for each in possible if each.part == part), None)
            if meant:
                return meant
        if text.strip() in MEANINGS:
            return Field(text.strip(), MEANINGS[text.strip()])
        found = self.exact.get(plain_header(text)) or self.find(text)
        return found[0] if found else None


def vocabulary(entity: Entity) -> Vocabulary:
    """The headers that are known for an entity, those of its lines included."""
    return _vocabulary(entity.stream)


@cache
def _vocabulary(stream: str) -> Vocabulary:
    entity = entities.entities()[stream]
    shapes = _shapes(entity)
    exact: dict[str, list[Field]] = {}
    for part, shape in shapes.items():
        for name in (*shape.writable, *_beside(shape)):
            if name not in shape.children:
                exact.setdefault(plain_header(name), []).append(Field(name, part))
    fields: dict[str, list[Field]] = {}
    for section in (ALIKE.get(stream, stream), EVERYWHERE):
        for each, by_language in _in_section(section, shapes):
            _add(fields, each, by_language)
    for name in (ROW_COLUMN, REASON_COLUMN):
        fields[plain_header(name)] = [Field(IGNORE, DOCUMENT)]
    return Vocabulary(
        entity,
        {name: tuple(found) for name, found in fields.items()},
        {name: tuple(found) for name, found in exact.items()},
    )


def _in_section(
    section: str, shapes: Mapping[str, Shape]
) -> Iterator[tuple[Field, Mapping[str, Sequence[str]]]]:
    """The fields of an entity that have headers of their own, and can be written."""
    for part, by_field in words().get(section, {}).items():
        for name, by_language in by_field.items():
            if part in shapes and _is_possible(name, shapes[part]):
                yield Field(name, part), by_language


def _add(
    fields: dict[str, list[Field]], field: Field, by_language: Mapping[str, Sequence[str]]
) -> None:
    for texts in by_language.values():
        for text in texts:
            known = fields.setdefault(plain_header(text), [])
            if field.name == IGNORE and known:
                continue
            if field not in known:
                known.append(field)


def _shapes(entity: Entity) -> dict[str, Shape]:
    shape = shape_of(entity.endpoint.id)
    found = {DOCUMENT: shape}
    lines = collection(entity)
    if lines and lines.name in shape.children:
        found[LINES] = shape.children[lines.name]
    return found


def line_shape(entity: Entity) -> Shape | None:
    """The shape of the lines of an entity; None where it has none."""
    return _shapes(entity).get(LINES)


def lines_of(entity: Entity) -> Property | None:
    """The collection that holds the lines of an entity; None where it has none."""
    return collection(entity)


def _beside(shape: Shape) -> list[str]:
    """Columns that may stand in the place of a key, in the spelling of Exact Online."""
    return [
        link.name + column
        for link in shape.links.values()
        for column in dict.fromkeys((*link.target.by, link.target.title))
        if link.target.by
    ]


def _is_possible(name: str, shape: Shape) -> bool:
    return name in MEANINGS or name in shape.writable or name in _beside(shape)
