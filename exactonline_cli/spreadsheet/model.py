"""Documents of a spreadsheet: their fields, their lines, and the rows that they come from."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

from exactonline_cli.spreadsheet.problems import Problem
from exactonline_cli.spreadsheet.table import plain_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exactonline_cli.spreadsheet.choices import Choices, Question
    from exactonline_cli.spreadsheet.columns import ColumnMap
    from exactonline_cli.spreadsheet.header_row import Headers
    from exactonline_cli.spreadsheet.reckoned import Reckoned
    from exactonline_cli.spreadsheet.rows import Skipped
    from exactonline_cli.spreadsheet.spool import Spool
    from exactonline_cli.spreadsheet.table import Row, Table
    from target_exactonline.schema.entities import Entity

Value: TypeAlias = "str | Decimal | bool"


@dataclass
class Line:
    """One line of a document."""

    row: int
    fields: dict[str, Value] = field(default_factory=dict)
    """By property of Exact Online."""
    meant: dict[str, Value] = field(default_factory=dict)
    """By meaning: what becomes a property, or is only compared."""
    headers: dict[str, str] = field(default_factory=dict)
    """The header of the column of each field and meaning."""

    def header(self, *names: str) -> str | None:
        """The header of the column that holds the first of some fields."""
        return next((self.headers[name] for name in names if name in self.headers), None)

    def problem(self, reason: str, *names: str) -> Problem:
        """What is wrong with a field of the line, the first of `names` that it has."""
        held = next((name for name in names if name in self.headers), None)
        value = None if held is None else self.meant.get(held, self.fields.get(held))
        return Problem(self.row, reason, self.header(*names), None if value is None else say(value))


@dataclass
class Document(Line):
    """One document; `row` is its first."""

    reference: str | None = None
    is_made: bool = False
    """The file has no reference for it, and it was made."""
    rows: list[int] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    totals: dict[str, list[Decimal]] = field(default_factory=dict)
    """Totals given in its rows, by meaning; Exact Online calculates its own."""
    problems: list[Problem] = field(default_factory=list)
    reckoned: Reckoned | None = None
    """What it comes to; None where it was not reckoned."""
    outcome: str | None = None
    """What a dry run says becomes of it, in the words of the preview."""
    note: str | None = None
    """What the target says besides."""

    def refuse(self, problem: Problem) -> None:
        """Add a problem, unless it has the same one already."""
        if problem not in self.problems:
            self.problems.append(problem)


@dataclass
class Draft:
    """What a file comes to, before anything is asked of Exact Online."""

    entity: Entity
    table: Table
    headers: Headers
    mapping: ColumnMap
    choices: Choices
    rows: Spool[Row]
    documents: Spool[Document]
    skipped: list[Skipped]
    questions: list[Question]
    notes: list[str]

    @property
    def sound(self) -> Iterator[Document]:
        """The documents that nothing is wrong with so far."""
        return (document for document in self.documents if not document.problems)


def say(value: Value) -> str:
    """A value as text: numbers with a point."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return plain_number(value) if isinstance(value, Decimal) else value


def record(
    document: Document, collection: str | None, reference_field: str | None
) -> dict[str, Any]:
    """A document as a Singer record; numbers are decimals, which no setting reads otherwise.

    Args:
        document: without problems.
        collection: the property that holds the lines; None where there are none.
        reference_field: the property that holds the reference; None where Exact Online has none.
    """
    found: dict[str, Any] = dict(document.fields)
    if document.reference is not None:
        found[reference_field or "reference"] = document.reference
    if collection:
        found[collection] = [line.fields for line in document.lines]
    return found
