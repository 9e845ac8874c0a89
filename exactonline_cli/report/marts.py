"""What the report reads of the marts, added up by the database."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from exactonline_client.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection

    from exactonline_cli.report.warehouse import Row, Warehouse

COMPANY = ("division_id", "division_name", "division_currency")
PERIOD = ("financial_year", "financial_period", "start_date", "end_date")
AGES = (
    "not_due_dc",
    "overdue_1_to_30_dc",
    "overdue_31_to_60_dc",
    "overdue_61_to_90_dc",
    "overdue_over_90_dc",
    "total_dc",
)


class Mart(NamedTuple):
    """A table: the columns that its rows are grouped by, and those that are added up."""

    name: str
    by: tuple[str, ...]
    sums: tuple[str, ...]


MARTS = {
    "results": Mart(
        "exact__profit_and_loss",
        (*COMPANY, *PERIOD, "section", "heading", "section_position"),
        ("amount_dc",),
    ),
    "balances": Mart(
        "exact__balance_sheet",
        (*COMPANY, *PERIOD, "section", "heading", "section_position"),
        ("amount_dc",),
    ),
    "receivables": Mart("exact__aged_receivables", (*COMPANY, "as_of_date", "as_of_kind"), AGES),
    "payables": Mart("exact__aged_payables", (*COMPANY, "as_of_date", "as_of_kind"), AGES),
    "customers": Mart(
        "exact__revenue_by_customer_and_item",
        (*COMPANY, "financial_year", "financial_period", "account_code", "account_name"),
        ("revenue_dc", "margin_dc"),
    ),
    "cash": Mart(
        "exact__cash_position",
        (*COMPANY, *PERIOD),
        ("opening_dc", "received_dc", "paid_dc", "closing_dc"),
    ),
}

Marts = dict[str, list["Row"]]
"""Rows by the names of `MARTS`."""


def read(warehouse: Warehouse, schema: str, divisions: Collection[int]) -> dict[int, Marts]:
    """Read the marts, by division; of all divisions if none is given.

    Raises:
        ConfigurationError: a mart is missing, or a division is not in them.
    """
    _refuse_missing(warehouse, schema)
    found: dict[int, Marts] = defaultdict(lambda: {name: [] for name in MARTS})
    for name, mart in MARTS.items():
        for row in warehouse.rows(_query(mart, schema, divisions)):
            found[row["division_id"]][name].append(row)
    unknown = sorted(set(divisions) - set(found))
    if unknown:
        raise ConfigurationError(
            f"The models in {schema} have no rows of division {', '.join(map(str, unknown))}. "
            "Load it with the tap, and run dbt build."
        )
    if not found:
        raise ConfigurationError(
            f"The models in {schema} have no rows. Load gl_accounts and transaction_lines with the "
            "tap, and run dbt build."
        )
    return dict(sorted(found.items()))


def _query(mart: Mart, schema: str, divisions: Collection[int]) -> sa.Select[Any]:
    names = (*mart.by, *mart.sums)
    table = sa.table(mart.name, *(sa.column(name) for name in names), schema=schema)
    query = sa.select(
        *(table.c[name] for name in mart.by),
        *(sa.func.sum(table.c[name]).label(name) for name in mart.sums),
    ).group_by(*(table.c[name] for name in mart.by))
    if "as_of_kind" in mart.by:
        query = query.where(table.c["as_of_kind"] == "today")
    if divisions:
        query = query.where(table.c["division_id"].in_(sorted(divisions)))
    return query


def _refuse_missing(warehouse: Warehouse, schema: str) -> None:
    tables = sa.table(
        "tables", sa.column("table_name"), sa.column("table_schema"), schema="information_schema"
    )
    query = sa.select(tables.c.table_name).where(tables.c.table_schema == schema)
    present = {row["table_name"] for row in warehouse.rows(query)}
    missing = [mart.name for mart in MARTS.values() if mart.name not in present]
    if missing:
        raise ConfigurationError(
            f"Schema {schema} of {warehouse.name} has no table {', '.join(missing)}. Build the "
            "models with dbt build (or meltano run dbt-exactonline:build), or name their schema "
            "with --schema."
        )
