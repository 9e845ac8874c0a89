"""Closed periods: what belongs to one can no longer be entered, changed or deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exactonline_sandbox.errors import invalid

if TYPE_CHECKING:
    from exactonline_sandbox.books.company import Company


def check_open(company: Company, year: int, period: int) -> None:
    """Refuse a closed period.

    Raises:
        ApiError: 500 if it is closed.
    """
    if company.is_closed(year, period):
        raise invalid(f"Period {year} - {period}: closed")
