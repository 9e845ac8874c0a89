"""What a document comes to, by the customer and the VAT codes of a division."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exactonline_cli.spreadsheet import reckoning

if TYPE_CHECKING:
    from exactonline_cli.spreadsheet.books import Customer
    from exactonline_cli.spreadsheet.reckoning import Amounts, VatCode


@dataclass
class Reckoned:
    """What a document comes to."""

    customer: Customer | None
    lines: list[tuple[Amounts | None, VatCode | None]] = field(default_factory=list)
    """Of each line; None where its price is Exact Online's to find."""
    items: list[str] = field(default_factory=list)
    """What the item of each line is called."""

    @property
    def amounts(self) -> Amounts | None:
        """The amounts of the document; None where those of a line are not known."""
        known = [amounts for amounts, _ in self.lines if amounts is not None]
        return reckoning.total(known) if len(known) == len(self.lines) else None
