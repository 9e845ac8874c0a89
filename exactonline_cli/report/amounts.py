"""Numbers as they are written in a country."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

DASH, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"
CENT = Decimal("0.01")
SHORT = ((Decimal(1_000_000), "M"), (Decimal(1_000), "k"))


@dataclass(frozen=True)
class Style:
    """Marks of a country, and how a negative number is written."""

    thousands: str
    decimals: str
    negative: str

    def amount(self, value: Decimal) -> str:
        """Write an amount of money, with cents."""
        cents = value.quantize(CENT, ROUND_HALF_UP)
        text = self._marked(cents, 2)
        return self.negative.format(text) if cents < 0 else text

    def percentage(self, value: Decimal | None) -> str:
        """Write a share of one; None, of nothing, is a dash."""
        if value is None:
            return DASH
        text = self._marked((value * 100).quantize(Decimal("0.1"), ROUND_HALF_UP), 1)
        return f"{MINUS if value < 0 else ''}{text} %"

    def short(self, value: Decimal) -> str:
        """Write an amount for an axis, such as 12.5k."""
        size, letter = next((each for each in SHORT if abs(value) >= each[0]), (Decimal(1), ""))
        text = f"{(abs(value) / size).quantize(CENT, ROUND_HALF_UP):f}"
        text = text.rstrip("0").removesuffix(".").replace(".", self.decimals)
        return (MINUS if value < 0 else "") + text + letter

    def _marked(self, value: Decimal, places: int) -> str:
        text = f"{abs(value):,.{places}f}"
        return text.translate({ord(","): self.thousands, ord("."): self.decimals})


STYLES = {
    "en": Style(",", ".", "({})"),
    "nl": Style(".", ",", MINUS + "{}"),
    "de": Style(".", ",", MINUS + "{}"),
    "fr": Style("\N{NARROW NO-BREAK SPACE}", ",", MINUS + "{}"),
}
"""By language."""
