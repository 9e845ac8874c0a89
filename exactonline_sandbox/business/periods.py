"""Closed periods: what belongs to one can no longer be entered, changed or deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exactonline_sandbox.errors import invalid

if TYPE_CHECKING:
    from exactonline_sandbox.books.company import Company


def is_closed(company: Company, year: int, period: int) -> bool:
    """Whether a period of a financial year is closed, by the books or by the switch."""
    until = company.switches.closed_until
    return (year, period) <= company.closed or (bool(until) and f"{year}-{period:02d}" <= until)


def check_open(company: Company, year: int, period: int) -> None:
    """Refuse a closed period.

    Raises:
        ApiError: 500 if it is closed.
    """
    if is_closed(company, year, period):
        raise invalid(f"Period {year} - {period}: closed")
