"""Edit the rows of a company as one user: find, insert, update and delete."""

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
    """Edits the rows of a company; `author` becomes their creator or modifier."""

    company: Company
    author: Author

    @property
    def today(self) -> date:
        """Current date on the server's clock."""
        return wall_clock(self.author.moment).date()

    def find(self, table: str, key: object) -> Row | None:
        """The row with this key."""
        return self.company.table(table).get(key)

    def find_code(self, table: str, code: object) -> Row | None:
        """The row with this code."""
        return None if code is None else self.company.table(table).by_code(code)

    def require(self, table: str, key: object, name: str) -> Row:
        """The row with this key.

        Args:
            table: Its table.
            key: Its key.
            name: Name of the reference in the error.

        Raises:
            ApiError: 500 if it does not exist.
        """
        row = self.find(table, key)
        if row is None:
            raise invalid(f"Invalid reference: {name}")
        return row

    def insert(self, table: str, *rows: Row) -> None:
        """Insert rows of one document, without their nulls."""
        full = [{name: value for name, value in row.items() if value is not None} for row in rows]
        for row, kept in zip(rows, full, strict=True):
            row.clear()
            row.update(kept)
        self.company.insert(table, list(rows), self.author)

    def update(self, table: str, row: Row, changes: Row) -> None:
        """Update a row."""
        self.company.update(table, row, changes, self.author)

    def delete(self, table: str, rows: Iterable[Row]) -> None:
        """Delete rows."""
        for row in list(rows):
            self.company.delete(table, row, self.author)

    def where(self, table: str, column: str, value: object) -> list[Row]:
        """The rows with this value in a column, sorted by line number."""
        rows = self.company.table(table).where(column, value)
        return sorted(rows, key=lambda row: int(row.get("LineNumber", 0)))

    def guid(self) -> str:
        """A new guid."""
        return self.company.guid()


def missing(*names: str) -> Exception:
    """The error for missing properties: 500, one line for each."""
    return invalid("\r\n".join(f"Mandatory: {name}" for name in names))
