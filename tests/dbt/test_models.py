"""The dbt project on full books: what is built, proven, and equal on both databases."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row

from exactonline_sandbox import Sandbox, SandboxConfig
from scripts.dbt import PROJECT
from scripts.unified import PREFIX, RESOURCES
from tests.dbt import books
from tests.stress import databases, planted

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

PROGRAMS = Path(__file__).parent / "programs"
MARTS = sorted(path.stem for path in (PROJECT / "models" / "marts").glob("*.sql"))
UNIFIED = [f"{PREFIX}{item.name}" for item in RESOURCES]
ENOUGH_PROOFS = 50
ENOUGH_TESTS = 200
ENOUGH_FIGURES = 1000


@dataclass
class Built:
    """A database with everything built in it, and what dbt says of it."""

    outcomes: dict[str, str]
    """`pass`, `success`, `fail`, `error` or `skipped`, by the name of a model or a test."""
    output: str
    target: Path
    """Folder of what dbt writes, beside the database where that is a file."""
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Rows of what is built for users, by its name."""


@dataclass
class Companies:
    """What the tap gave of three companies."""

    tables: books.Tables
    negated: books.Tables
    """Invoices as a feed with the other sign gives them."""
    today: str

    @cached_property
    def with_negated_invoices(self) -> books.Tables:
        return books.Tables({**self.tables.found, **self.negated.found})


@pytest.fixture(scope="module")
def companies(tmp_path_factory: pytest.TempPathFactory) -> Companies:
    config = SandboxConfig(
        seed=5, invoices=40, divisions=3, books="full", minutely_limit=100_000, daily_limit=100_000
    )
    folder = tmp_path_factory.mktemp("companies")
    with Sandbox(config).running() as server:
        tables = books.read(server, folder)
        server.control.switches(sync_sales_sign="negated")
        negated = books.read_once(server, folder / "again", books.INVOICES)
    return Companies(tables, negated, books.today())


@pytest.fixture(scope="module")
def in_postgres(companies: Companies, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """PostgreSQL, with columns in snake case."""
    folder = tmp_path_factory.mktemp("postgres")
    with databases.server() as server:
        books.into_postgres(server.uri, books.in_snake_case(companies.tables))
        built = build("postgres", folder, companies, DBT_EXACT_HOST=server.host)
        built.rows = dict(_rows_of_postgres(server.uri))
    return built


@pytest.fixture(scope="module")
def in_duckdb(companies: Companies, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """DuckDB, from invoices with the other sign."""
    folder = tmp_path_factory.mktemp("duckdb")
    path = folder / "books.duckdb"
    books.into_duckdb(path, companies.with_negated_invoices, folder)
    built = build("duckdb", folder, companies, DBT_EXACT_PATH=str(path))
    built.rows = dict(_rows_of_duckdb(path))
    return built


def build(target: str, folder: Path, companies: Companies, **settings: str) -> Built:
    """Run `dbt build` for a database."""
    variables = json.dumps({"exact__as_of": companies.today})
    run = subprocess.run(
        [books.PYTHON, PROGRAMS / "build.py", PROJECT, folder, variables, target],
        cwd=folder,
        env={**os.environ, "DO_NOT_TRACK": "1", **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    path = folder / target / "run_results.json"
    assert path.exists(), run.stdout
    results = json.loads(path.read_text(encoding="utf-8"))["results"]
    outcomes = {item["unique_id"]: item["status"] for item in results}
    return Built(outcomes, run.stdout, folder / target)


def _rows_of_postgres(uri: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    with psycopg.connect(uri, row_factory=dict_row) as connection:
        for schema, name in results():
            yield name, connection.execute(f'select * from {schema}."{name}"').fetchall()  # noqa: S608


def _rows_of_duckdb(path: Path) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    tables = [f"{schema}.{name}" for schema, name in results()]
    dumped = subprocess.run(
        [books.PYTHON, PROGRAMS / "dump.py", path, *tables], check=True, stdout=subprocess.PIPE
    )
    for table, found in json.loads(dumped.stdout).items():
        rows = [dict(zip(found["columns"], row, strict=True)) for row in found["rows"]]
        yield table.partition(".")[2], rows


def results() -> list[tuple[str, str]]:
    """Schema and name of what is built for users."""
    return [
        *(("analytics", name) for name in MARTS),
        *(("analytics_unified", name) for name in UNIFIED),
    ]


@pytest.fixture(params=["in_postgres", pytest.param("in_duckdb", marks=pytest.mark.slow)])
def built(request: pytest.FixtureRequest) -> Built:
    found: Built = request.getfixturevalue(request.param)
    return found


def test_everything_is_built_and_proven(built: Built) -> None:
    bad = {name: how for name, how in built.outcomes.items() if how not in {"success", "pass"}}
    assert not bad, built.output
    written = {path.stem for path in (PROJECT / "tests").glob("*.sql")}
    proven = {name.split(".")[2] for name, how in built.outcomes.items() if how == "pass"}
    assert written <= proven
    assert len(written) >= ENOUGH_PROOFS
    assert list(built.outcomes.values()).count("pass") >= ENOUGH_TESTS


def test_reconciliation_has_all_reports(built: Built) -> None:
    figures = built.rows["exact__reconciliation"]
    assert len(figures) >= ENOUGH_FIGURES
    assert {row["check_name"] for row in figures} == {
        "aging_overview",
        "aging_payables_list",
        "aging_receivables_list",
        "opening_balance_current_year_after_entry",
        "opening_balance_current_year_processed",
        "opening_balance_previous_year_after_entry",
        "opening_balance_previous_year_processed",
        "outstanding_invoices_overview",
        "profit_loss_overview",
        "reporting_balance",
        "revenue_list",
    }
    assert len({row["division_id"] for row in figures}) == 3


def test_deleted_rows_are_left_out(companies: Companies, built: Built) -> None:
    lines = companies.tables.found["transaction_lines"].rows.values()
    deleted = {row["ID"] for row in lines if row.get(books.DELETED_AT)}
    budgets_and_year_ends = {row["ID"] for row in lines if row.get("Type") in (327, 328, 3000)}
    assert deleted
    ledger = {str(row["transaction_line_id"]) for row in built.rows["exact__general_ledger"]}
    assert ledger == {row["ID"] for row in lines} - deleted - budgets_and_year_ends


def test_books_have_what_the_proofs_are_about(companies: Companies, in_postgres: Built) -> None:
    invoices = in_postgres.rows[f"{PREFIX}invoices"]
    assert {row["status"] for row in invoices} >= {"submitted", "authorised", "paid"}
    assert {row["currency"] for row in invoices} >= {"EUR", "USD"}
    for name in (*MARTS, *UNIFIED):
        rows = in_postgres.rows[name]
        column = "company_id" if "company_id" in rows[0] else "division_id"
        if name != f"{PREFIX}companies":
            assert len({row[column] for row in rows}) == 3, name
    assert _largest(companies.tables) > 1000 > _largest(companies.negated)


def _largest(tables: books.Tables) -> float:
    """Amount of the largest invoice."""
    return max(row.get("AmountDC") or 0 for row in tables.found["sales_invoices"].rows.values())


@pytest.mark.slow
@pytest.mark.parametrize("name", [*MARTS, *UNIFIED])
def test_both_databases_and_both_signs_of_invoices_give_the_same(
    in_postgres: Built, in_duckdb: Built, name: str
) -> None:
    ours, theirs = in_postgres.rows[name], in_duckdb.rows[name]
    assert sorted(map(comparable, ours)) == sorted(map(comparable, theirs))


PLANTED = (
    "a cent",
    "a tombstone is read as a row",
    "costs on another account",
    "a payment is not seen",
)
"""Errors that are planted here; all are, by the stress program."""


@pytest.mark.slow
def test_errors_in_the_books_are_seen(in_duckdb: Built) -> None:
    folder = in_duckdb.target.parent
    chosen = {name: planted.errors()[name] for name in PLANTED}
    manifest = in_duckdb.target / "manifest.json"
    found = planted.planted(folder / "books.duckdb", manifest, chosen, folder)
    assert planted.missed(found) == []


def comparable(row: dict[str, Any]) -> str:
    """A row as text, the same for equal values of either database."""
    return json.dumps({name: plain(value) for name, value in sorted(row.items())}, sort_keys=True)


def plain(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("[", "{"):
        value = json.loads(value)
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, (date, datetime, UUID)):
        return str(value)
    if isinstance(value, bool) or value is None:
        return value
    return number(value)


def number(value: Any) -> str:
    """Numbers in one form, with as many digits as both databases keep."""
    try:
        return f"{Decimal(str(value)).quantize(Decimal('0.00000001')).normalize():f}"
    except ArithmeticError:
        return str(value)
