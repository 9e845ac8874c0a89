"""Group the rows of a table into documents with lines."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import blake2b
from typing import TYPE_CHECKING

from exactonline_cli.spreadsheet import columns as column_matching
from exactonline_cli.spreadsheet import header_row, headers
from exactonline_cli.spreadsheet import rows as row_selection
from exactonline_cli.spreadsheet.cells import Unreadable, constant, readers
from exactonline_cli.spreadsheet.choices import Question
from exactonline_cli.spreadsheet.headers import (
    CREDIT,
    DEBIT,
    DOCUMENT,
    IGNORE,
    ITEM_NAME,
    KEY,
    LINES,
    MEANINGS,
    PARTY,
    PARTY_NAME,
    PRICE_OPEN,
    Field,
)
from exactonline_cli.spreadsheet.model import Document, Draft, Line, say
from exactonline_cli.spreadsheet.problems import Problem
from exactonline_cli.spreadsheet.spool import Spool
from exactonline_cli.spreadsheet.table import is_empty, text_of
from exactonline_client.errors import ConfigurationError
from exactonline_client.store.references import LONGEST_REFERENCE
from target_exactonline.schema.names import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from exactonline_cli.spreadsheet.cells import Reader
    from exactonline_cli.spreadsheet.choices import Choices
    from exactonline_cli.spreadsheet.columns import ColumnMap
    from exactonline_cli.spreadsheet.model import Value
    from exactonline_cli.spreadsheet.table import Row, Table
    from target_exactonline.schema.entities import Entity

REFERENCE = "YourRef"
"""The field of a reference where an entity has it."""
PARTIES = ("OrderedBy", "OrderedByCode", "OrderedByName", PARTY, "Customer", "CustomerName",
           "Supplier", "SupplierName")  # fmt: skip
DAYS = ("InvoiceDate", "OrderDate", "EntryDate")
SERVED_BY = {
    "Item": ("ItemCode",),
    "OrderedBy": ("OrderedByCode", "OrderedByName", PARTY),
    "Customer": ("CustomerCode", "CustomerName", PARTY),
    "Supplier": ("SupplierCode", "SupplierName", PARTY),
    "GLAccount": ("GLAccountCode",),
    "AmountFC": (DEBIT, CREDIT),
}
"""What may stand for a required field."""
MOST_NAMED = 8
"""Columns or rows that a sentence lists."""
LONGEST_PART = 18
"""Characters of a customer in a reference that is made."""


def draft(table: Table, entity: Entity, choices: Choices) -> Draft:
    """Put documents together from a table.

    Args:
        table: as it was read.
        entity: what its documents are.
        choices: what the user has decided.

    Raises:
        ConfigurationError: there is no row of headers, or a choice names what is not there.
    """
    known = headers.vocabulary(entity)
    head = header_row.find(table, known)
    constants = _constants(known, choices)
    mapping = column_matching.match(
        head.names, known, choices.columns, {each.name: "" for each in constants}
    )
    rows, skipped = row_selection.data(table, head, mapping.columns)
    _give_descriptions_to_documents(mapping, rows)
    found_readers, questions = readers(entity, mapping.columns, rows, choices)
    questions += [Question(text) for text in mapping.questions]
    questions += _missing(entity, mapping, {each.name for each in constants})
    questions += _prices(mapping, choices)
    builder = _Builder(entity, mapping, found_readers, constants)
    documents = builder.build(rows)
    return Draft(
        entity,
        table,
        head,
        mapping,
        choices,
        rows,
        documents,
        skipped,
        questions,
        [*table.notes, *builder.notes, *_beside_headers(head.names, rows)],
    )


def _beside_headers(names: Sequence[str], rows: Sequence[Row]) -> Iterator[str]:
    """What to say of values in columns that have no header."""
    found = [
        row.number
        for row in rows
        if any(
            not is_empty(cell) and (index >= len(names) or not names[index])
            for index, cell in enumerate(row.cells)
        )
    ]
    if found:
        yield f"Rows {_some(found)} have values in columns without a header; those are left out."


def _constants(known: headers.Vocabulary, choices: Choices) -> dict[Field, Value]:
    """The values for all documents, by field.

    Raises:
        ConfigurationError: a field is none, or its value does not fit.
    """
    found: dict[Field, Value] = {}
    for name, text in choices.constants.items():
        each = _property(known, name)
        try:
            found[each] = constant(known.entity, each, text)
        except Unreadable as error:
            raise ConfigurationError(f"--set: {name} {text!r} {error}.") from None
    return found


def _property(known: headers.Vocabulary, name: str) -> Field:
    found = known.named(name)
    if found is None or found.name in MEANINGS:
        near = nearest(name, [each.name for some in known.exact.values() for each in some])
        raise ConfigurationError(
            f"--set: {name!r} is not a field of {known.entity.stream}."
            + (f" Did you mean {' or '.join(near)}?" if near else "")
        )
    return found


def _give_descriptions_to_documents(mapping: ColumnMap, rows: Sequence[Row]) -> None:
    """Take a description before all other columns of the lines for that of the document.

    It has to be the same in all rows of each document.
    """
    key = mapping.of(REFERENCE) or mapping.of(KEY)
    described = mapping.of("Description")
    lines = [column.index for column in mapping.columns if column.field.part == LINES]
    if (
        key is None
        or described is None
        or described.field.part != LINES
        or described.how != column_matching.KNOWN
        or described.index != min(lines)
        or any(column.field == Field("Description", DOCUMENT) for column in mapping.columns)
    ):
        return
    texts: dict[str, str] = {}
    if all(
        texts.setdefault(text_of(row.cell(key.index)), text) == text
        for row in rows
        for text in (text_of(row.cell(described.index)),)
    ):
        place = mapping.columns.index(described)
        mapping.columns[place] = column_matching.Column(
            described.index, described.header, Field("Description", DOCUMENT), described.how
        )


def _missing(entity: Entity, mapping: ColumnMap, constants: set[str]) -> Iterator[Question]:
    """Fields without which no document can be made, and which no column holds."""
    there = {column.field.name for column in mapping.columns} | constants
    left = ""
    if mapping.left_out:
        left = f" (columns without a field: {', '.join(mapping.left_out[:MOST_NAMED])})"
    for name in _required(entity):
        if not there & {name, f"{name}Code", f"{name}Name", *SERVED_BY.get(name, ())}:
            yield Question(
                f"no column has {name}{left}: name one with --column HEADER={name}, or give one "
                f"value for all with --set {name}=VALUE"
            )
    if headers.line_shape(entity) and not there & {REFERENCE, KEY, *PARTIES}:
        yield Question(
            "no column says which rows belong to one document: name it with --column HEADER=key"
        )


def _required(entity: Entity) -> list[str]:
    """What a document and its lines must hold, but for the reference that can be made."""
    rows, lines = headers.line_shape(entity), headers.lines_of(entity)
    reference = entity.reference_field(REFERENCE)
    names = [*([reference] if reference and reference != REFERENCE else []), *entity.required]
    names += rows.required if rows else ()
    served = {lines.name if lines else "", rows.parent if rows else ""}
    return [name for name in dict.fromkeys(names) if name not in served]


def _prices(mapping: ColumnMap, choices: Choices) -> Iterator[Question]:
    column = mapping.of(PRICE_OPEN)
    if column and choices.prices is None:
        yield Question(
            f"column {column.header}: its prices can be with VAT or without", "prices",
            ("incl", "excl"),
        )  # fmt: skip


@dataclass
class _Builder:
    """Makes documents of rows."""

    entity: Entity
    mapping: ColumnMap
    readers: Sequence[Reader]
    constants: Mapping[Field, Value]
    notes: list[str] = field(default_factory=list)

    def build(self, rows: Iterable[Row]) -> Spool[Document]:
        """All documents, in the order of their first rows."""
        has_lines = headers.line_shape(self.entity) is not None
        documents: Spool[Document] = Spool()
        indexes: dict[object, int] = {}
        continued: list[int] = []
        document: Document | None = None
        index = -1
        for row in rows:
            head, problems = self._read(row, DOCUMENT, None)
            if has_lines and document and self._is_continued(row):
                continued.append(row.number)
            else:
                if document:
                    documents[index] = document
                place = self._place(head, row) if has_lines else row.number
                index = indexes.setdefault(place, len(documents))
                if index == len(documents):
                    documents.append(Document(row.number))
                document = documents[index]
            self._add(document, row, head, problems)
            if has_lines:
                self._add_lines(document, row)
        if document:
            documents[index] = document
        if continued:
            self.notes.append(
                f"Rows {_some(continued)} have no customer and no number: they are further lines "
                "of the document above."
            )
        self._name(documents)
        return documents

    def _add(self, document: Document, row: Row, head: Line, problems: Iterable[Problem]) -> None:
        """Add what a row says of its document."""
        document.rows.append(row.number)
        for problem in problems:
            document.refuse(problem)
        self._agree(document, head)

    def _read(self, row: Row, part: str, group: int | None) -> tuple[Line, list[Problem]]:
        line = Line(row.number)
        problems = []
        for reader in self.readers:
            column = reader.column
            if column.field.part != part or (column.group is not None and column.group != group):
                continue
            name = column.field.name
            line.headers[name] = column.header
            cell = row.cell(column.index)
            try:
                value = reader.read(cell)
            except Unreadable as error:
                if name not in headers.CHECKS:
                    problems.append(Problem(row.number, str(error), column.header, text_of(cell)))
                continue
            if value is not None and name != IGNORE:
                held = line.meant if name in MEANINGS else line.fields
                held[name] = value
        return line, problems

    def _is_continued(self, row: Row) -> bool:
        """Whether the columns of the document are empty, as often below its first row."""
        of_document = [column for column in self.mapping.columns if column.field.part == DOCUMENT]
        return bool(of_document) and all(is_empty(row.cell(each.index)) for each in of_document)

    def _place(self, head: Line, row: Row) -> object:
        """What the rows of one document have in common, in few bytes."""
        key = head.meant.get(KEY) or head.fields.get(REFERENCE)
        if key:
            return str(key)
        if self.mapping.of(KEY) or self.mapping.of(REFERENCE):
            return row.number
        values = {**head.meant, **head.fields}
        texts = sorted((name, say(value)) for name, value in values.items())
        return blake2b(repr(texts).encode(), digest_size=16).digest()

    def _agree(self, document: Document, head: Line) -> None:
        """Add the values of a row that belong to its document; skip empty cells."""
        document.headers.update(head.headers)
        for held, given in ((document.fields, head.fields), (document.meant, head.meant)):
            for name, value in given.items():
                if name in headers.CHECKS:
                    if isinstance(value, Decimal):
                        document.totals.setdefault(name, []).append(value)
                    continue
                first = held.setdefault(name, value)
                if first != value and name != PARTY_NAME:
                    document.refuse(
                        Problem(
                            head.row,
                            f"differs from {say(first)!r} in row {document.row}, and a document "
                            "has one: make them the same, or give it a number of its own",
                            head.headers[name],
                            say(value),
                        )
                    )

    def _add_lines(self, document: Document, row: Row) -> None:
        for group in self.mapping.groups:
            line, problems = self._read(row, LINES, group)
            for problem in problems:
                document.refuse(problem)
            says = {*line.fields, *line.meant} - {ITEM_NAME, *headers.CHECKS}
            if says or (problems and group is None) or not self._has_groups:
                document.lines.append(line)

    @property
    def _has_groups(self) -> bool:
        return self.mapping.groups != [None]

    def _name(self, documents: Spool[Document]) -> None:
        """Give each document its reference and the values that hold for all."""
        reference_field = self.entity.reference_field(REFERENCE)
        made: Counter[str] = Counter()
        has_column = self.mapping.of(KEY) or self.mapping.of(reference_field or KEY)
        of_rows = has_column and any(
            document.meant.get(KEY) or document.fields.get(reference_field or KEY)
            for document in documents
        )
        places: dict[str, list[int]] = {}
        for index, document in enumerate(documents.edited()):
            self._set_constants(document)
            own = document.fields.pop(reference_field, None) if reference_field else None
            found = own if own is not None else document.meant.get(KEY)
            if found is not None:
                document.reference = say(found)
                self._check_reference(document)
            elif of_rows or reference_field not in {REFERENCE, None}:
                document.refuse(
                    Problem(
                        document.row,
                        "is empty: a document needs a number or reference of its own",
                        document.header(reference_field or KEY, KEY) or reference_field,
                        "",
                    )
                )
            else:
                document.reference = _made(document, made)
                document.is_made = True
            if document.reference is not None:
                places.setdefault(document.reference, []).append(index)
        self._refuse_doubles(documents, places.values())

    @staticmethod
    def _check_reference(document: Document) -> None:
        """Refuse a reference by which no document can be found again."""
        reference = document.reference or ""
        why = None
        if not reference.isprintable():
            why = "has line breaks or other characters that cannot be searched for: remove them"
        elif len(reference) > LONGEST_REFERENCE:
            why = f"is longer than {LONGEST_REFERENCE} characters: shorten it"
        if why:
            header = document.header(REFERENCE, KEY, "Code")
            document.refuse(Problem(document.row, why, header, reference))

    def _set_constants(self, document: Document) -> None:
        for each, value in self.constants.items():
            holders = [document] if each.part == DOCUMENT else document.lines
            for holder in holders:
                holder.fields[each.name] = value

    @staticmethod
    def _refuse_doubles(documents: Spool[Document], places: Iterable[Sequence[int]]) -> None:
        """Refuse documents of one reference: Exact Online would have one of them."""
        for same in places:
            rows = {index: documents[index].row for index in same} if len(same) > 1 else {}
            for index in rows:
                document = documents[index]
                others = [row for each, row in rows.items() if each != index]
                document.refuse(
                    Problem(
                        document.row,
                        f"is also the reference of the document in row {_some(others)}: give each "
                        "its own, or leave the column out with --column",
                        document.header(REFERENCE, KEY, "Code"),
                        document.reference,
                    )
                )
                documents[index] = document


def _made(document: Document, made: Counter[str]) -> str:
    """A reference from the customer, the day and the place among those of the same two."""
    party = next(
        (
            say(value)
            for name in PARTIES
            if (value := document.fields.get(name) or document.meant.get(name))
        ),
        "",
    )
    day = next((say(document.fields[name]) for name in DAYS if name in document.fields), "")
    parts = [re.sub(r"[^\w.]+", "-", party)[:LONGEST_PART].strip("-"), day.replace("-", "")]
    stem = "-".join(part for part in parts if part) or "import"
    made[stem] += 1
    return f"{stem}-{made[stem]}"


def _some(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers[:MOST_NAMED])) + (
        ", ..." if len(numbers) > MOST_NAMED else ""
    )
