"""Twenty-four documents, sent in the unified shape, and books that were worked out by hand.

`hand/documents.json` holds what is sent into an empty company; the other files of the folder hold
what a bookkeeper makes of it. The dollar is at 0.9635 in the month of H-11.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from exactonline_sandbox import Sandbox, SandboxConfig
from tests.dbt import books, sending

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(300)]

HAND = Path(__file__).parent / "hand"
TODAY = "2026-06-30"
YEAR, PERIOD = 2026, 6
MARTS = ("trial_balance", "profit_and_loss", "balance_sheet", "aged_receivables", "aged_payables")
ZERO = Decimal(0)


@dataclass
class Books:
    sent: list[sending.Sent]
    posts_again: int
    rows: dict[str, list[dict[str, Any]]]
    outcomes: dict[str, str]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Books:
    folder = tmp_path_factory.mktemp("hand")
    given = json.loads((HAND / "documents.json").read_text(encoding="utf-8"))
    documents = [
        (stream, record) for stream in given["before"] for record in given["before"][stream]
    ]
    documents += [(each["stream"], each["record"]) for each in given["documents"]]
    config = SandboxConfig(
        books="empty",
        clock=datetime(2026, 6, 30, 8, tzinfo=timezone.utc),
        minutely_limit=100_000,
        daily_limit=100_000,
    )
    with Sandbox(config).running() as server:
        sent = sending.send(server, documents, folder, finalize="print")
        server.control.reset_calls()
        sending.send(server, documents, folder, finalize="print")
        calls = server.control.calls()["calls"]
        tables = books.read_once(server, folder)
    database, files = folder / "books.duckdb", folder / "files"
    files.mkdir()
    books.into_duckdb(database, tables, files)
    place = books.build(books.DUCKDB, folder, TODAY, DBT_EXACT_PATH=str(database))
    results = json.loads((place / "run_results.json").read_text(encoding="utf-8"))["results"]
    names = [f"analytics.exact__{name}" for name in MARTS]
    names += [f"analytics_unified.unified_exact__{name}" for name in sending.KINDS]
    return Books(
        sent,
        sum(call["count"] for call in calls if call["method"] == "POST" and call["division"]),
        books.dump(database, *names),
        {result["unique_id"]: result["status"] for result in results},
    )


def hand(name: str) -> list[dict[str, str]]:
    with (HAND / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def amounts(name: str, *columns: str) -> dict[str, tuple[Decimal, ...]]:
    return {row["account"]: tuple(Decimal(row[each]) for each in columns) for row in hand(name)}


def of_the_period(made: Books, mart: str) -> list[dict[str, Any]]:
    rows = made.rows[f"exact__{mart}"]
    return [
        row for row in rows if (row["financial_year"], row["financial_period"]) == (YEAR, PERIOD)
    ]


def test_all_documents_are_there_once(made: Books) -> None:
    assert [each for each in made.sent if each.outcome != "created" or each.reason] == []
    assert made.posts_again == 0


def test_all_proofs_of_the_accounts_hold(made: Books) -> None:
    bad = {name: how for name, how in made.outcomes.items() if how not in {"success", "pass"}}
    assert bad == {}


def test_what_was_sent_is_read(made: Books) -> None:
    known = sending.keys(made.rows)
    found = [
        difference
        for sent in made.sent
        for difference in sending.differences(sent, sending.row_of(sent, made.rows), known)
    ]
    assert found == []


def test_trial_balance(made: Books) -> None:
    moved: dict[str, tuple[Decimal, Decimal]] = {}
    for row in made.rows["exact__trial_balance"]:
        if row["financial_year"] == YEAR:
            debit, credit = moved.get(row["gl_account_code"], (ZERO, ZERO))
            moved[row["gl_account_code"]] = (
                debit + Decimal(row["debit_dc"]),
                credit + Decimal(row["credit_dc"]),
            )
    closing = {
        row["gl_account_code"]: Decimal(row["closing_dc"])
        for row in of_the_period(made, "trial_balance")
    }
    found = {account: (*both, closing[account]) for account, both in moved.items()}
    assert found == amounts("trial_balance", "debit", "credit", "closing")


def test_profit_and_loss(made: Books) -> None:
    found = {
        row["gl_account_code"]: (Decimal(row["year_to_date_dc"]),)
        for row in of_the_period(made, "profit_and_loss")
    }
    assert found == amounts("profit_and_loss", "amount")


def test_balance_sheet(made: Books) -> None:
    found = {
        row["gl_account_code"] or row["line_id"]: (Decimal(row["amount_dc"]),)
        for row in of_the_period(made, "balance_sheet")
        if Decimal(row["amount_dc"])
    }
    assert found == amounts("balance_sheet", "amount")
    assert sum(amount for (amount,) in found.values()) == 0


@pytest.mark.parametrize(
    ("side", "mart"), [("receivable", "aged_receivables"), ("payable", "aged_payables")]
)
def test_ageing(made: Books, side: str, mart: str) -> None:
    columns = ("not_due", "overdue_1_to_30", "overdue_31_to_60", "overdue_61_to_90",
               "overdue_over_90", "total")  # fmt: skip
    found = {
        row["account_code"].strip(): tuple(Decimal(row[f"{name}_dc"]) for name in columns)
        for row in made.rows[f"exact__{mart}"]
        if row["as_of_kind"] == "today"
    }
    wanted = {
        row["account"]: tuple(Decimal(row[name]) for name in columns)
        for row in hand("ageing")
        if row["side"] == side
    }
    assert found == wanted
