"""What is wrong with a row: where it stands, what stands there, why, and what to do."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_VALUE = 40


@dataclass(frozen=True)
class Problem:
    """One mistake in a spreadsheet."""

    row: int
    reason: str
    """Why, and what to do; it goes on from the value."""
    column: str | None = None
    """The header of its column."""
    value: str | None = None

    def sentence(self, reference: str | None) -> str:
        """One line for the user, with the reference of the document."""
        known = f" (reference {shortened(reference)})" if reference else ""
        return f"row {self.row}{known}: {self.what}"

    @property
    def what(self) -> str:
        """The same without the place."""
        if self.column is None:
            return self.reason
        value = "" if not self.value else f" {shortened(self.value)!r}"
        return f"{self.column}{value} {self.reason}"


def shortened(text: str) -> str:
    """A value on one line, cut where it is long."""
    flat = " ".join(text.split())
    return flat if len(flat) <= LONGEST_VALUE else f"{flat[: LONGEST_VALUE - 3]}..."
