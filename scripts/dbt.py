"""Staging models of the dbt project in `dbt/`, from the catalogue.

A staging model has every column that the tap reads of a stream, under a name in snake case. Keys
of rows end in `_id`. What a project adds by hand lies in the other folders of `dbt/models`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exactonline_client import catalogue
from scripts.catalogue import snake
from scripts.pages import ROOT, Files
from tap_exactonline.definitions.definition import (
    DIVISION,
    TIMESTAMP,
    StreamDefinition,
    stream_definitions,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exactonline_client.catalogue import Property

PROJECT = ROOT / "dbt"
STAGING = PROJECT / "models" / "staging"
MADE = "Made from the catalogue by `make dbt`: not to be edited by hand."
PREFIX = "stg_exact__"
NUMBER, TEXT, FLAG = "number", "text", "flag"
TYPES = {
    "Edm.Guid": TEXT,
    "Edm.String": TEXT,
    "Edm.Binary": TEXT,
    "Edm.Boolean": FLAG,
    "Edm.Double": NUMBER,
    "Edm.Decimal": NUMBER,
    "Edm.Int64": "integer",
    "Edm.Int32": "integer",
    "Edm.Int16": "integer",
    "Edm.Byte": "integer",
}


@dataclass(frozen=True)
class Model:
    """A stream that has a staging model."""

    stream: str
    needed: bool = False
    """Without its table nothing can be built; else the model is empty."""
    report: bool = False
    """A report of Exact: read whole each time, without a log of what is gone."""

    @property
    def name(self) -> str:
        """Name of the model."""
        return f"{PREFIX}{NAMES.get(self.stream, self.stream)}"


RESERVED = {"from": "from_date", "to": "to_date"}
"""Columns whose names are words of SQL."""
NAMES = {"system_divisions": "divisions"}
"""Models that are not named after their stream."""
MODELS = (
    Model("system_divisions"),
    Model("financial_periods"),
    Model("journals"),
    Model("gl_accounts", needed=True),
    Model("gl_schemes"),
    Model("gl_classifications"),
    Model("gl_account_classification_mappings"),
    Model("accounts"),
    Model("addresses"),
    Model("contacts"),
    Model("crm_bank_accounts"),
    Model("items"),
    Model("vat_codes"),
    Model("vat_percentages"),
    Model("payment_conditions"),
    Model("currencies"),
    Model("exchange_rates"),
    Model("costcenters"),
    Model("costunits"),
    Model("projects"),
    Model("transaction_lines", needed=True),
    Model("sales_invoices"),
    Model("sales_invoice_lines"),
    Model("sales_entries"),
    Model("sales_entry_lines"),
    Model("purchase_entries"),
    Model("purchase_entry_lines"),
    Model("general_journal_entries"),
    Model("general_journal_entry_lines"),
    Model("bank_entries"),
    Model("bank_entry_lines"),
    Model("cash_entries"),
    Model("cash_entry_lines"),
    Model("payment_terms"),
    Model("budgets"),
    Model("document_attachments"),
    Model("journal_status_list", report=True),
    Model("reporting_balance", report=True),
    Model("opening_balance_current_year_after_entry", report=True),
    Model("opening_balance_current_year_processed", report=True),
    Model("opening_balance_previous_year_after_entry", report=True),
    Model("opening_balance_previous_year_processed", report=True),
    Model("aging_receivables_list", report=True),
    Model("aging_payables_list", report=True),
    Model("aging_overview", report=True),
    Model("outstanding_invoices_overview", report=True),
    Model("profit_loss_overview", report=True),
    Model("revenue_list", report=True),
)


def column_name(item: Property) -> str:
    """Name of a column: that of the property in snake case, with `_id` on what names a row."""
    if item.name == TIMESTAMP:
        return "row_version"
    # Or AmountVATFC would be one word at its end.
    name = snake(item.name.replace("VAT", "Vat"))
    name = RESERVED.get(name, name)
    if item.name == DIVISION.name:
        return "division_id"
    if item.type == "Edm.Guid" and name != "id" and not name.endswith("_id"):
        return f"{name}_id"
    return name


def column_type(item: Property) -> str:
    """Kind of a column, which a macro turns into a type of the database."""
    if item.type == "Edm.DateTime":
        return "date" if item.date == "date" else "moment"
    return TYPES[item.type]


def render(model: Model, definition: StreamDefinition) -> str:
    """The SQL of a staging model."""
    columns = ",\n".join(
        f"    ('{item.name}', '{column_name(item)}', '{column_type(item)}')"
        for item in definition.columns.values()
    )
    options = "".join(f", {name}=true" for name in ("needed", "report") if getattr(model, name))
    return f"-- {MADE}\n{{{{ exact_online.staged('{model.stream}', [\n{columns}\n]{options}) }}}}\n"


def key(definition: StreamDefinition) -> tuple[str, ...]:
    """Columns that no two rows share."""
    return tuple(column_name(definition.columns[name]) for name in definition.primary_keys)


def properties(found: list[tuple[Model, StreamDefinition]]) -> Iterator[str]:
    """The lines of the file that describes the staging models and tests their keys."""
    yield f"# {MADE}"
    yield "version: 2"
    yield "models:"
    for model, definition in found:
        names = key(definition)
        yield f"  - name: {model.name}"
        yield f"    description: Live rows of {model.stream}, one for each {_words(names)}."
        yield "    data_tests:"
        yield f"      - exact_online.is_key: {{arguments: {{columns: [{', '.join(names)}]}}}}"


def _words(names: tuple[str, ...]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def sources(found: list[tuple[Model, StreamDefinition]]) -> Iterator[str]:
    """The lines of the file that names the tables."""
    yield f"# {MADE}"
    yield "version: 2"
    yield "sources:"
    yield "  - name: exact"
    yield "    description: What tap-exactonline loads, a table for each stream."
    yield "    database: \"{{ var('exact_database', none) or target.database }}\""
    yield "    schema: \"{{ var('exact_schema', 'exact') }}\""
    yield "    tables:"
    for model, _ in found:
        yield f"      - name: {model.stream}"


def build() -> Files:
    """All files of `dbt/models/staging`."""
    every = {
        definition.name: definition
        for definition in stream_definitions(catalogue.load(), use_sync=True)
    }
    found = [(model, every[model.stream]) for model in MODELS]
    files = {
        STAGING / f"{model.name}.sql": render(model, definition) for model, definition in found
    }
    files[STAGING / "_staging.yml"] = "\n".join(properties(found)) + "\n"
    files[STAGING / "_sources.yml"] = "\n".join(sources(found)) + "\n"
    return files
