"""Numbers and dates of a source in the form that the API takes: with a point, the year first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from target_exactonline.schema import dates, numbers

if TYPE_CHECKING:
    from exactonline_client.catalogue import Property

NUMBERS = frozenset({"Edm.Byte", "Edm.Double", "Edm.Int16", "Edm.Int32"})
DATES = "Edm.DateTime"


@dataclass(frozen=True)
class Locale:
    """How texts of a source are to be read; numbers and dates of other types are what they are."""

    decimal: str = numbers.POINT
    """`point` or `comma`."""
    dates: str = dates.ISO
    """`iso`, `day-first` or `month-first`."""

    def read(self, value: object, item: Property) -> object:
        """A value in the form of the API; one that is no such text stays what it is."""
        if not isinstance(value, str):
            return value
        if item.type in NUMBERS and self.decimal == numbers.COMMA:
            number = numbers.parse(value, numbers.COMMA)
            return value if number is None else f"{number:f}"
        if item.type == DATES and self.dates != dates.ISO:
            return self._date(value)
        return value

    def _date(self, value: str) -> str:
        if not dates.is_year_last(value):
            return value
        return dates.parse(value, self.dates).isoformat()
