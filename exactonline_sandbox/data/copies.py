"""Companies with their data; those of small sandboxes are generated once in a process."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from exactonline_sandbox.books.company import Company
from exactonline_sandbox.books.profile import profile_of
from exactonline_sandbox.config import Switches
from exactonline_sandbox.data import fill

if TYPE_CHECKING:
    from datetime import datetime

    from exactonline_sandbox.config import SandboxConfig

SAME_DATA: dict[str, Any] = {
    "divisions": 1,
    "clock": None,
    "speed": 1.0,
    "port": 0,
    "tls": False,
    "minutely_limit": 60,
    "daily_limit": 5000,
    "faults": (),
}
"""Settings of a sandbox that decide nothing of a company's data."""
DECISIVE = ("late_commits", "posts_year_end", "vat_line_number")
"""Switches that decide something of it."""
SMALL = 200
"""A company with at most so many invoices is kept, to be copied for the next sandbox."""


def filled(code: int, config: SandboxConfig, switches: Switches, today: datetime) -> Company:
    """A company with its data, of which the newest are from the last full hour.

    Args:
        code: The code of the division.
        config: How many rows of each kind.
        switches: Shared with the sandbox; changes take effect at once.
        today: The sandbox's time.
    """
    last_hour = today.replace(minute=0, second=0, microsecond=0)
    decisive = {name: getattr(switches, name) for name in DECISIVE}
    order = replace(config, **SAME_DATA, switches=Switches(**decisive))
    if config.invoices <= SMALL:
        return _kept(code, order, last_hour).copy(switches)
    company = _generated(code, order, last_hour)
    company.switches = switches
    return company


@lru_cache(maxsize=32)
def _kept(code: int, order: SandboxConfig, until: datetime) -> Company:
    return _generated(code, order, until)


def _generated(code: int, order: SandboxConfig, until: datetime) -> Company:
    company = Company(code, order.seed, order.switches, profile_of(code, order.books))
    fill(company, order, until)
    return company
