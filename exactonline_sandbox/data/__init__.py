"""Generate the data of a trading company; the same seed and day give the same data."""

from __future__ import annotations

import gc
import random
from typing import TYPE_CHECKING

from exactonline_sandbox.books.profile import EMPTY
from exactonline_sandbox.data.budgets import fill_budgets
from exactonline_sandbox.data.currencies import fill_currencies
from exactonline_sandbox.data.documents import (
    fill_journal_entries_and_documents,
    fill_late_bill,
    fill_orders,
    fill_purchases,
)
from exactonline_sandbox.data.ledgers import fill_ledgers
from exactonline_sandbox.data.maker import Maker
from exactonline_sandbox.data.master_data import fill_accounts, fill_items
from exactonline_sandbox.data.opening import fill_opening, scale
from exactonline_sandbox.data.periods import fill_periods
from exactonline_sandbox.data.routine import fill_routine
from exactonline_sandbox.data.sales import fill_payments, fill_sales
from exactonline_sandbox.data.schemes import fill_schemes
from exactonline_sandbox.data.statements import fill_statements
from exactonline_sandbox.data.vat_returns import fill_vat_returns
from exactonline_sandbox.data.year_end import fill_year_ends

if TYPE_CHECKING:
    from datetime import datetime

    from exactonline_sandbox.books.company import Company
    from exactonline_sandbox.config import SandboxConfig

SALES_ONLY = "sales_invoices"


def fill(company: Company, config: SandboxConfig, today: datetime) -> None:
    """Fill an empty company.

    Args:
        company: The company.
        config: How many rows of each kind.
        today: Time of the newest data.
    """
    rng = random.Random(f"{config.seed}/{company.code}/data")
    maker = Maker(company, rng, config.users[0].user_id, today)
    # All objects made here are kept; garbage collection would only take time.
    collecting = gc.isenabled()
    gc.disable()
    try:
        _fill_ledgers(maker)
        if config.books != EMPTY:
            _fill_books(maker, config)
        company.is_set_up = True
    finally:
        if collecting:
            gc.enable()


def _fill_ledgers(maker: Maker) -> None:
    """Fill what a company has before its first document."""
    fill_ledgers(maker)
    if maker.company.profile.detailed:
        fill_periods(maker)
        fill_currencies(maker)
        fill_schemes(maker)


def _fill_books(maker: Maker, config: SandboxConfig) -> None:
    full, sales_only = maker.company.profile.detailed, SALES_ONLY in config.only
    fill_items(maker)
    fill_accounts(maker, customers=min(5000, max(20, config.invoices // 10)))
    size = scale(config.invoices)
    if full and not sales_only:
        fill_opening(maker, size)
    fill_sales(maker, config.invoices, config.lines_per_invoice, booked=not sales_only)
    if not sales_only:
        if not full:
            fill_payments(maker)
        entries = config.purchase_entries or max(6, config.invoices // 3)
        fill_purchases(maker, entries - int(full), config.lines_per_entry)
        fill_orders(maker, max(5, config.invoices // 8))
        fill_journal_entries_and_documents(maker)
    if full and not sales_only:
        fill_late_bill(maker)
        transfers = [*fill_routine(maker, size), *fill_vat_returns(maker)]
        fill_statements(maker, transfers)
        fill_budgets(maker, size)
        fill_year_ends(maker)
