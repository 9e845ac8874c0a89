"""What `exactonline init` offers: loaders, purposes and schedules."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Loader:
    """A Singer target for the rows that are read."""

    plugin: str
    pip_url: str
    config: dict[str, str]
    """Settings with a value to start from."""
    secrets: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    """Folders that have to exist before it runs."""
    kinds: dict[str, str] = field(default_factory=dict)
    """Kinds of settings that are not texts."""


LOADERS = {
    "postgres": Loader(
        "target-postgres",
        "meltanolabs-target-postgres",
        {
            "host": "localhost",
            "port": "5432",
            "user": "postgres",
            "database": "postgres",
            "default_target_schema": "exact",
            # The tap has read every value by its type; PostgreSQL refuses what does not fit.
            "validate_records": "false",
        },
        secrets=("password",),
        kinds={"port": "integer", "validate_records": "boolean"},
    ),
    "duckdb": Loader(
        "target-duckdb",
        "target-duckdb",
        {"path": "books.duckdb", "default_target_schema": "exact"},
    ),
    "jsonl": Loader(
        "target-jsonl", "target-jsonl", {"destination_path": "output"}, folders=("output",)
    ),
    "csv": Loader(
        "target-csv", "meltanolabs-target-csv", {"output_path": "output"}, folders=("output",)
    ),
}
"""By the word that the user types."""

MASTER_DATA = ("accounts", "system_divisions", "payment_conditions", "currencies")
PURPOSES: dict[str, tuple[str, ...]] = {
    "receivables": (
        *MASTER_DATA,
        "contacts",
        "sales_invoices",
        "sales_invoice_lines",
        "receivables",
        "payment_terms",
    ),
    "ledger": (
        *MASTER_DATA,
        "gl_accounts",
        "gl_schemes",
        "gl_classifications",
        "gl_account_classification_mappings",
        "journals",
        "financial_periods",
        "vat_codes",
        "vat_percentages",
        "costcenters",
        "costunits",
        "exchange_rates",
        "transaction_lines",
        "payment_terms",
        "budgets",
    ),
    "everything": ("*",),
}
"""Streams by what they are read for."""

SCHEDULES = {"hourly": "@hourly", "daily": "@daily", "weekly": "@weekly", "none": None}
"""Intervals of Meltano's schedule."""
