"""A user at work in a company: finds rows, makes and changes them, under their own name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exactonline_sandbox.edm.values import wall_clock
from exactonline_sandbox.errors import invalid

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from exactonline_sandbox.books.company import Author, Company
    from exactonline_sandbox.books.tables import Row


@dataclass(frozen=True)
class Editor:
    """Where business is done: the company, and who does it when."""

    company: Company
    author: Author

    @property
    def today(self) -> date:
        """The day, by the server's clock."""
        return wall_clock(self.author.moment).date()

    def find(self, table: str, key: object) -> Row | None:
        """The row with this key."""
        return self.company.table(table).get(key)

    def find_code(self, table: str, code: object) -> Row | None:
        """The row with this code."""
        return None if code is None else self.company.table(table).by_code(code)

    def require(self, table: str, key: object, name: str) -> Row:
        """The row with this key, which must be there.

        Args:
            table: Where to look.
            key: Its key.
            name: What the error calls it.

        Raises:
            ApiError: 500 where it is not.
        """
        row = self.find(table, key)
        if row is None:
            raise invalid(f"Invalid reference: {name}")
        return row

    def insert(self, table: str, *rows: Row) -> None:
        """Add rows that belong together; their nulls are dropped."""
        full = [{name: value for name, value in row.items() if value is not None} for row in rows]
        for row, kept in zip(rows, full, strict=True):
            row.clear()
            row.update(kept)
        self.company.insert(table, list(rows), self.author)

    def update(self, table: str, row: Row, changes: Row) -> None:
        """Change a row."""
        self.company.update(table, row, changes, self.author)

    def delete(self, table: str, rows: Iterable[Row]) -> None:
        """Take rows out."""
        for row in list(rows):
            self.company.delete(table, row, self.author)

    def where(self, table: str, column: str, value: object) -> list[Row]:
        """The rows with this value in a column, in the order of their line numbers."""
        rows = self.company.table(table).where(column, value)
        return sorted(rows, key=lambda row: int(row.get("LineNumber", 0)))

    def guid(self) -> str:
        """A new guid."""
        return self.company.guid()


def missing(*names: str) -> Exception:
    """The error for properties that must be given: 500, one line for each."""
    return invalid("\r\n".join(f"Mandatory: {name}" for name in names))
