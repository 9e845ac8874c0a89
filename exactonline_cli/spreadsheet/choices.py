"""What a user decides of an import where a file leaves it open."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from target_exactonline.schema.dates import AUTO as AUTO_DATES
from target_exactonline.schema.numbers import AUTO as AUTO_MARK

if TYPE_CHECKING:
    from collections.abc import Mapping

INCLUDING, EXCLUDING = "incl", "excl"
PER_CENT, FRACTION = "percent", "fraction"
CODES, RATES = "codes", "rates"


@dataclass(frozen=True)
class Choices:
    """Options for one file; None and `auto` are decided by its content."""

    columns: Mapping[str, str] = field(default_factory=dict)
    """Fields by header."""
    constants: Mapping[str, str] = field(default_factory=dict)
    """Values by field, for all documents."""
    decimal: str = AUTO_MARK
    dates: str = AUTO_DATES
    prices: str | None = None
    """`incl` or `excl` VAT."""
    discounts: str | None = None
    """`percent` or `fraction`."""
    vat: str | None = None
    """Content of a column of VAT: `codes` or `rates`."""


@dataclass(frozen=True)
class Question:
    """What a file leaves open."""

    text: str
    """What is open, with the values that show it."""
    setting: str | None = None
    """The one of `Choices` that answers it; None where columns have to be named."""
    answers: tuple[str, ...] = ()

    @property
    def refusal(self) -> str:
        """The same for somebody who cannot be asked, with the option to give."""
        if self.setting is None:
            return self.text
        options = " or ".join(f"--{self.setting} {answer}" for answer in self.answers)
        return f"{self.text}; give {options}"
