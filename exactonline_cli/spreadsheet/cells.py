"""The value of a cell, by what its column holds and how that is written in the whole column."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

from exactonline_cli.spreadsheet import headers
from exactonline_cli.spreadsheet.choices import FRACTION, PER_CENT, Question
from exactonline_cli.spreadsheet.columns import GIVEN, Column
from exactonline_cli.spreadsheet.countries import country_code
from exactonline_cli.spreadsheet.problems import shortened
from exactonline_cli.spreadsheet.table import (
    CellError,
    Formula,
    Percent,
    is_empty,
    plain_number,
    text_of,
)
from target_exactonline.schema import dates, numbers
from target_exactonline.schema.fields import shape_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from exactonline_cli.spreadsheet.choices import Choices
    from exactonline_cli.spreadsheet.headers import Field
    from exactonline_cli.spreadsheet.table import Cell, Row
    from target_exactonline.schema.entities import Entity

Value: TypeAlias = "str | Decimal | bool"

TEXT, NUMBER, DATE, YES_NO, LENGTH, VAT, COUNTRY, STATUS, KIND = (
    "text", "number", "date", "yes_no", "length", "vat", "country", "status", "kind",
)  # fmt: skip
KINDS = {
    "Edm.Double": NUMBER,
    "Edm.Int16": NUMBER,
    "Edm.Int32": NUMBER,
    "Edm.DateTime": DATE,
    "Edm.Boolean": YES_NO,
    "Edm.Byte": YES_NO,
}
MEANT = {
    headers.KEY: TEXT,
    headers.PARTY: TEXT,
    headers.ITEM_NAME: TEXT,
    headers.SIDE: TEXT,
    headers.VAT: VAT,
    headers.VAT_RATE: VAT,
    headers.DURATION: LENGTH,
    headers.PARTY_NAME: TEXT,
}
"""Kinds of meanings that are no numbers."""
FRACTIONS = frozenset({"Discount", "DiscountSales", "DiscountPurchase"})
TIMES = frozenset({"Quantity"})
"""Numbers that may be written as hours and minutes."""
YES = frozenset({"j", "ja", "y", "yes", "o", "oui", "w", "waar", "true", "vrai", "x", "1"})
NO = frozenset({"n", "nee", "no", "non", "nein", "onwaar", "false", "faux", "0", "-"})
CUSTOMER = frozenset({"klant", "debiteur", "customer", "client", "kunde", "debitor"})
INVOICE_KINDS = {
    **dict.fromkeys(("factuur", "invoice", "facture", "rechnung", "f", "debet"), "8020"),
    **dict.fromkeys(
        ("creditnota", "creditfactuur", "credit", "credit note", "creditmemo", "avoir",
         "note de credit", "note de crédit", "gutschrift", "c"),
        "8021",
    ),
}  # fmt: skip
"""Words for the type of an invoice, and its number at Exact Online."""
RECALCULATE = (
    "is a formula whose result is not in the file; open the file in Excel, save it, and import "
    "again"
)
FAILED = "is what a formula shows that fails; correct the formula"
LETTERS = {"O": "the letter O", "o": "the letter o", "l": "the letter l", "I": "the letter I"}
HOURS = re.compile(r"(\d+):([0-5]\d)(?::([0-5]\d))?")


class Unreadable(ValueError):  # noqa: N818 - it is the cell that cannot be read
    """What is wrong with a cell; it goes on from its value."""


@dataclass(frozen=True)
class Reader:
    """How the cells of one column are read."""

    column: Column
    kind: str
    mark: str = numbers.POINT
    order: str = dates.DAY_FIRST
    percentages: bool = False
    """The numbers are percentages, of which Exact Online takes fractions."""

    def read(self, cell: Cell) -> Value | None:
        """The value of a cell; None where it says nothing.

        Raises:
            Unreadable: it is no such value.
        """
        if isinstance(cell, Formula):
            raise Unreadable(RECALCULATE)
        if isinstance(cell, CellError):
            raise Unreadable(FAILED)
        if is_empty(cell):
            return None
        return READ[self.kind](self, cell)


def kind_of(entity: Entity, column: Column) -> str:
    """What the cells of a column are."""
    name = column.field.name
    if name in headers.MEANINGS:
        return MEANT.get(name, NUMBER)
    shape = shape_of(entity.endpoint.id)
    if column.field.part == headers.LINES:
        shape = headers.line_shape(entity) or shape
    if name == "Country":
        return COUNTRY
    if name == "Status" and entity.stream == "accounts":
        return STATUS
    if name == "Type" and entity.stream == "sales_invoices":
        return KIND
    item = shape.endpoint.properties.get(name)
    return TEXT if item is None or name in shape.links else KINDS.get(item.type, TEXT)


def constant(entity: Entity, field: Field, text: str) -> Value:
    """A value for all documents: numbers with a point, dates with the year first.

    Raises:
        Unreadable: it is no such value.
    """
    column = Column(0, field.name, field, GIVEN)
    reader = Reader(column, kind_of(entity, column), order=dates.ISO)
    found = reader.read(text)
    return text if found is None else found


def readers(
    entity: Entity, columns: Sequence[Column], rows: Sequence[Row], choices: Choices
) -> tuple[list[Reader], list[Question]]:
    """How each column is read, and what its values leave open.

    Args:
        entity: what is imported.
        columns: of the table.
        rows: of data, without those that are left out.
        choices: what the user has decided.
    """
    found: list[Reader] = []
    questions: list[Question] = []
    for column in columns:
        kind = kind_of(entity, column)
        cells = _Cells(rows, column.index)
        texts = (cell for cell in cells if isinstance(cell, str) and not is_empty(cell))
        reader = Reader(column, kind)
        if kind in {NUMBER, VAT}:
            reader = _number_reader(reader, texts, cells, choices, questions)
        elif kind == DATE:
            reader = _date_reader(reader, texts, choices, questions)
        found.append(reader)
    return found, list(dict.fromkeys(questions))


@dataclass(frozen=True)
class _Cells:
    """The cells of a column, read anew each time."""

    rows: Sequence[Row]
    index: int

    def __iter__(self) -> Iterator[Cell]:
        return (row.cell(self.index) for row in self.rows)


def _number_reader(
    reader: Reader,
    texts: Iterable[str],
    cells: Iterable[Cell],
    choices: Choices,
    questions: list[Question],
) -> Reader:
    column = reader.column
    seen = numbers.reading(texts)
    mark = seen.mark
    if mark is None and choices.decimal in numbers.MARKS:
        mark = choices.decimal
    if mark is None:
        values = [numbers.parse(seen.example, each) for each in (numbers.COMMA, numbers.POINT)]
        both = " or ".join(plain_number(value) for value in values if value is not None)
        questions.append(
            Question(
                f"column {column.header}: {shortened(seen.example)!r} "
                + (f"can be {both}" if " or " in both else "has another decimal mark than others"),
                "decimal",
                (numbers.COMMA, numbers.POINT),
            )
        )
        mark = numbers.POINT
    reader = Reader(column, reader.kind, mark=mark)
    if column.field.name not in FRACTIONS:
        return reader
    return Reader(
        column, reader.kind, mark, percentages=_are_percentages(reader, cells, choices, questions)
    )


def _are_percentages(
    reader: Reader, cells: Iterable[Cell], choices: Choices, questions: list[Question]
) -> bool:
    """Whether plain numbers of a discount are percentages."""
    if re.search(
        "pct|procent|percent|pourcent|prozent", headers.plain_header(reader.column.header)
    ):
        return True
    if choices.discounts:
        return choices.discounts == PER_CENT
    values = (
        _as_number(cell, reader.mark)
        for cell in cells
        if not is_empty(cell)
        and not isinstance(cell, (Percent, Formula, CellError))
        and not (isinstance(cell, str) and numbers.is_per_cent(cell))
    )
    example = next((value for value in values if value), None)
    if example is not None:
        questions.append(
            Question(
                f"column {reader.column.header}: {plain_number(example)} can be "
                f"{plain_number(example)} % or {plain_number(example * 100)} %",
                "discounts",
                (PER_CENT, FRACTION),
            )
        )
    return False


def _date_reader(
    reader: Reader, texts: Iterable[str], choices: Choices, questions: list[Question]
) -> Reader:
    column = reader.column
    if choices.dates == dates.ISO:
        return Reader(column, reader.kind, order=dates.ISO)
    seen = dates.reading(texts)
    order = seen.order
    if order is None and choices.dates in dates.ORDERS:
        order = choices.dates
    if order is None:
        questions.append(_date_question(column, seen.example))
        order = dates.DAY_FIRST
    return Reader(column, reader.kind, order=order)


def _date_question(column: Column, example: str) -> Question:
    readings = []
    for order in dates.ORDERS:
        try:
            day = dates.parse(example, order)
        except dates.NotADate:
            continue
        readings.append(f"{day.day} {day:%B %Y}")
    says = (
        f"can be {' or '.join(readings)}" if len(readings) > 1 else "has another order than others"
    )
    return Question(f"column {column.header}: {shortened(example)!r} {says}", "dates", dates.ORDERS)


def _as_number(cell: Cell, mark: str) -> Decimal | None:
    if isinstance(cell, Decimal):
        return cell
    return numbers.parse(cell, mark) if isinstance(cell, str) else None


def _text(reader: Reader, cell: Cell) -> Value | None:
    del reader
    return text_of(cell)


def _number(reader: Reader, cell: Cell) -> Value | None:
    if isinstance(cell, Percent):
        return cell.fraction
    number = _as_number(cell, reader.mark)
    if number is None and reader.column.field.name in TIMES and HOURS.fullmatch(text_of(cell)):
        return _length(reader, cell)
    if number is None:
        raise Unreadable(_no_number(cell, reader.mark))
    has_sign = isinstance(cell, str) and numbers.is_per_cent(cell)
    if reader.column.field.name in FRACTIONS:
        return number / 100 if has_sign or reader.percentages else number
    if has_sign:
        raise Unreadable("has a per cent sign, and is not a percentage; write the number alone")
    return number


def _no_number(cell: Cell, mark: str) -> str:
    if isinstance(cell, str):
        letters = [name for letter, name in LETTERS.items() if letter in cell]
        digits = "".join(letter for letter in cell if letter not in LETTERS)
        if letters and numbers.parse(digits, mark) is not None:
            return f"is not a number: it contains {letters[0]}"
        other = numbers.COMMA if mark == numbers.POINT else numbers.POINT
        if numbers.parse(cell, other) is not None:
            return (
                f"is not a number; decimals take a {mark} in this column, or give --decimal {other}"
            )
    return "is not a number; write digits, such as 12.50"


def _date(reader: Reader, cell: Cell) -> Value | None:
    try:
        if isinstance(cell, date):
            return cell.isoformat()
        if isinstance(cell, Decimal):
            return dates.serial(cell).isoformat()
        if isinstance(cell, str):
            return dates.parse(cell, reader.order).isoformat()
    except dates.NotADate as error:
        raise Unreadable(str(error)) from None
    raise Unreadable("is not a date; write it as 2026-11-28 or 28-11-2026")


def _yes_no(reader: Reader, cell: Cell) -> Value | None:
    del reader
    if isinstance(cell, bool):
        return cell
    word = text_of(cell).casefold()
    if word in YES or word in NO:
        return word in YES
    if word.isdecimal():
        # Some of these fields have more than two values.
        return Decimal(word)
    raise Unreadable("is neither yes nor no; write J or N, or true or false")


def _status(reader: Reader, cell: Cell) -> Value | None:
    """The status of an account: `C` for a customer, where the column asks whether it is one."""
    del reader
    word = text_of(cell).casefold() if not isinstance(cell, bool) else str(cell).casefold()
    if word in YES or word in CUSTOMER:
        return "C"
    return None if word in NO else text_of(cell)


def _kind(reader: Reader, cell: Cell) -> Value | None:
    text = text_of(cell)
    if text.isdigit():
        return text
    del reader
    try:
        return INVOICE_KINDS[text.casefold()]
    except KeyError:
        raise Unreadable("is not a type of invoice; write factuur or creditnota") from None


def _country(reader: Reader, cell: Cell) -> Value | None:
    del reader
    found = country_code(text_of(cell))
    if found is None:
        raise Unreadable("is not a known country; write its code of two letters, such as NL")
    return found


def _length(reader: Reader, cell: Cell) -> Value | None:
    del reader
    found = HOURS.fullmatch(text_of(cell))
    if found is None:
        raise Unreadable("is not a length of time; write hours and minutes, such as 1:30")
    seconds = int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3] or 0)
    return (Decimal(seconds) / 3600).quantize(Decimal("0.0001"))


def _vat(reader: Reader, cell: Cell) -> Value | None:
    """A VAT code as text; a rate as text with a per cent sign, with a point for decimals."""
    if isinstance(cell, Percent):
        return f"{plain_number(cell.fraction * 100)} %"
    if isinstance(cell, str) and numbers.is_per_cent(cell):
        number = numbers.parse(cell, reader.mark)
        if number is None:
            raise Unreadable("is not a rate of VAT; write it as 21 %")
        return f"{plain_number(number)} %"
    if reader.column.field.name == headers.VAT_RATE:
        number = _as_number(cell, reader.mark)
        if number is None:
            raise Unreadable("is not a rate of VAT; write it as 21 %")
        # No rate lies below one per cent: such a number is a fraction.
        rate = number * 100 if 0 < number < 1 else number
        return f"{plain_number(rate)} %"
    if isinstance(cell, str):
        number = numbers.parse(cell, reader.mark)
        return text_of(cell) if number is None else plain_number(number)
    return text_of(cell)


READ = {
    TEXT: _text,
    NUMBER: _number,
    DATE: _date,
    YES_NO: _yes_no,
    STATUS: _status,
    KIND: _kind,
    COUNTRY: _country,
    LENGTH: _length,
    VAT: _vat,
}
