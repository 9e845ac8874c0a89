"""The result of a benchmark: a table to print, to write as Markdown, and to draw."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table as RichTable

if TYPE_CHECKING:
    from collections.abc import Sequence

Value = str | int | float | None


@dataclass(frozen=True)
class Table:
    """The result of one benchmark."""

    name: str
    title: str
    says: str
    """What was measured, and how; Markdown."""
    columns: tuple[str, ...]
    rows: Sequence[tuple[Value, ...]]
    drawn: str | None = None
    """The column that makes a picture, where one does."""
    compared: tuple[str, ...] = ()
    """Columns that are shown beside those of an earlier version."""

    def beside(self, before: Table) -> Table:
        """With the compared columns of an earlier version next to our own."""
        places = [
            (place, of)
            for place, name in enumerate(self.columns)
            for of in ((self, before) if name in self.compared else (self,))
        ]
        return replace(
            self,
            columns=tuple(
                self.columns[place] if of is self else f"{self.columns[place]} before"
                for place, of in places
            ),
            rows=[
                tuple((ours if of is self else theirs)[place] for place, of in places)
                for ours, theirs in zip(self.rows, before.rows, strict=True)
            ],
        )

    def show(self) -> None:
        """Print it."""
        table = RichTable(*self.columns, title=self.title)
        for row in self.rows:
            table.add_row(*map(shown, row))
        Console().print(table)

    def markdown(self, picture: str | None = None) -> str:
        """A section of a page, without its title."""
        lines = [
            self.says,
            "",
            f"| {' | '.join(self.columns)} |",
            f"|{'|'.join('---' for _ in self.columns)}|",
            *(f"| {' | '.join(map(shown, row))} |" for row in self.rows),
            "",
        ]
        if picture:
            lines += [f"![{self.title}]({picture})", ""]
        return "\n".join(lines)


def median(tables: Sequence[Table]) -> Table:
    """One table of several measurements: the median of each number."""
    cells = [zip(*rows, strict=True) for rows in zip(*(one.rows for one in tables), strict=True)]
    return replace(tables[0], rows=[tuple(map(_median, row)) for row in cells])


def _median(values: Sequence[Value]) -> Value:
    numbers = [value for value in values if isinstance(value, int | float)]
    return statistics.median_low(numbers) if numbers else values[0]


def shown(value: Value) -> str:
    """A value as people read it."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.2f}"  # noqa: PLR2004
    return f"{value:,}" if isinstance(value, int) else value
