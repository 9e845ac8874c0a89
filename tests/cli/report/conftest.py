"""A warehouse with the marts of two companies, and the results of a run of dbt."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from exactonline_cli.report.marts import MARTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AS_OF = date(2026, 2, 20)
COMPANIES = {
    7: ("Noord <b>& Zuid</b> B.V.", "EUR", Decimal(1)),
    8: ("Kust NV", "USD", Decimal(3)),
}
PERIODS = [(2025, 1), (2025, 2), (2025, 12), (2026, 1), (2026, 2), (2026, 3)]
SECTIONS = {
    "cash_and_bank": ("assets", 10),
    "payables": ("liabilities", 70),
    "equity": ("equity", 100),
    "result": ("equity", 110),
}
RESULTS = {
    "revenue": ("gross_profit", 120, Decimal("1000.50")),
    "cost_of_sales": ("gross_profit", 130, Decimal(-400)),
    "expenses": ("operating_result", 160, Decimal(-650)),
    "income_tax": ("net_result", 190, Decimal("9.90")),
}


def rows(name: str) -> Iterator[dict[str, Any]]:
    for division, (company, currency, times) in COMPANIES.items():
        known = {
            "division_id": division,
            "division_name": company,
            "division_currency": currency,
        }
        for row in OF[name]():
            amounts = {key: value * times for key, value in row.items() if key.endswith("_dc")}
            yield {**known, **row, **amounts}


def results() -> Iterator[dict[str, Any]]:
    for number, period in enumerate(PERIODS, 1):
        for section, (heading, position, amount) in RESULTS.items():
            yield {
                **of(period),
                "section": section,
                "heading": heading,
                "section_position": position,
                "amount_dc": amount * number,
            }


def balances() -> Iterator[dict[str, Any]]:
    for number, period in enumerate(PERIODS, 1):
        shares = dict(zip(SECTIONS, (100, -30, -50, -20), strict=True))
        for section, (heading, position) in SECTIONS.items():
            yield {
                **of(period),
                "section": section,
                "heading": heading,
                "section_position": position,
                "amount_dc": Decimal(shares[section] * number),
            }


def receivables() -> Iterator[dict[str, Any]]:
    for kind, factor in (("today", 1), ("period_end", 9)):
        ages = (10, 20, 30, 0, 40)
        names = MARTS["receivables"].sums
        amounts = zip(names, (*ages, sum(ages)), strict=True)
        yield {
            "as_of_date": AS_OF,
            "as_of_kind": kind,
            **{name: Decimal(value * factor) for name, value in amounts},
        }


def customers() -> Iterator[dict[str, Any]]:
    for number in range(1, 13):
        yield {
            "financial_year": 2026,
            "financial_period": 2,
            "account_code": f"    {number}",
            "account_name": f"Customer {number}",
            "revenue_dc": Decimal(number * 100),
            "margin_dc": Decimal(number),
        }


def cash() -> Iterator[dict[str, Any]]:
    for number, period in enumerate(PERIODS, 1):
        yield {
            **of(period),
            "opening_dc": Decimal(100 * number),
            "received_dc": Decimal(50),
            "paid_dc": Decimal(70),
            "closing_dc": Decimal(100 * number - 20),
        }


def of(period: tuple[int, int]) -> dict[str, Any]:
    year, month = period
    return {
        "financial_year": year,
        "financial_period": month,
        "start_date": date(year, month, 1),
        "end_date": date(year, month, 28),
    }


OF = {
    "results": results,
    "balances": balances,
    "receivables": receivables,
    "payables": receivables,
    "customers": customers,
    "cash": cash,
}


def kind(column: str) -> str:
    if column.endswith("_dc"):
        return "decimal(28, 10)"
    if column.endswith("_date"):
        return "date"
    numbers = ("division_id", "financial_year", "financial_period", "section_position")
    return "bigint" if column in numbers else "varchar"


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("marts") / "books.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema analytics")
        for name, mart in MARTS.items():
            columns = (*mart.by, *mart.sums)
            described = ", ".join(f"{column} {kind(column)}" for column in columns)
            connection.execute(f"create table analytics.{mart.name} ({described})")
            marks = ", ".join("?" * len(columns))
            connection.executemany(
                f"insert into analytics.{mart.name} values ({marks})",  # noqa: S608
                [[row[column] for column in columns] for row in rows(name)],
            )
    return path


@pytest.fixture
def run_results(tmp_path: Path) -> Path:
    """One proof that holds, one that does not, and a key that holds."""
    path = tmp_path / "run_results.json"
    key = "test.exact_online.exact_online_is_key_exact__open_items_term_id.0a1b"
    found = {
        "test.exact_online.debit_is_credit": ("pass", 0),
        "test.exact_online.cash_is_the_ledger": ("fail", 3),
        key: ("pass", 0),
        "model.exact_online.exact__open_items": ("success", None),
    }
    results = [
        {"unique_id": name, "status": status, "failures": failures}
        for name, (status, failures) in found.items()
    ]
    metadata = {"generated_at": "2026-02-20T09:30:00.123Z"}
    path.write_text(json.dumps({"metadata": metadata, "results": results}), encoding="utf-8")
    node = {
        "attached_node": "model.exact_online.exact__open_items",
        "test_metadata": {"name": "is_key", "kwargs": {"columns": ["division_id", "term_id"]}},
    }
    path.with_name("manifest.json").write_text(json.dumps({"nodes": {key: node}}), encoding="utf-8")
    return path
