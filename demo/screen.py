"""What the demo shows: counted steps, what is running and for how long, and tables with totals."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

TOTAL = "total"


class Screen:
    """A console that counts its steps."""

    def __init__(self, console: Console, steps: int) -> None:
        """Show `steps` steps on `console`."""
        self.console = console
        self._steps = steps
        self._step = 0

    def step(self, title: str, command: str | None = None) -> None:
        """Begin the next step, and show the command that it runs."""
        self._step += 1
        self.console.rule(f"{self._step}/{self._steps}  {title}")
        if command:
            self.console.print(f"[dim]$ {command}")

    @contextmanager
    def working(self, text: str) -> Iterator[None]:
        """Show what is running, on a terminal with the seconds that it has taken."""
        if not self.console.is_terminal:
            self.console.print(f"{text} ...")
            yield
            return
        columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
        with Progress(*columns, console=self.console, transient=True) as progress:
            progress.add_task(text, total=None)
            yield

    def table(self, columns: Sequence[str], rows: Sequence[tuple[str, Sequence[int]]]) -> None:
        """Print numbers by name, aligned to the right, with their totals below."""
        table = Table(show_footer=len(rows) > 1)
        totals = [sum(numbers) for numbers in zip(*(row for _, row in rows), strict=True)]
        table.add_column(columns[0], footer=TOTAL)
        for name, total in zip(columns[1:], totals or [0] * len(columns), strict=False):
            table.add_column(name, footer=shown(total), justify="right")
        for name, numbers in rows:
            table.add_row(name, *map(shown, numbers))
        self.console.print(table)


def shown(number: int) -> str:
    """A number as people read it."""
    return f"{number:,}"
