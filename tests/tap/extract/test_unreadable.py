"""A value that cannot be read is null, is named, and keeps nothing else from being read."""

from __future__ import annotations

import itertools
import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from exactonline_client.errors import UnexpectedAnswer
from tap_exactonline.tap import TapExactOnline
from tests.tap.conftest import catalog

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.tap.conftest import Bench

FEED = ("sales_invoices", "sales_invoice_lines")
BAD: dict[str, list[object]] = {
    "Name": [{"first": "confidential"}, ["confidential"], 7, True],
    "Modified": ["/Date(253402300800000)/", "confidential", 7, {}, "/Date(-99999999999999)/"],
    "StartDate": ["/Date(253402300800000)/", [], 1.5],
    "CreditLineSales": ["confidential", {}, float("nan"), float("inf"), 10**400, True],
    "Type": [{}, []],
    "GLAccountSales": [0, {}],
    "PurchaseLeadDays": [2**63, "confidential", 0.5, -(2**63) - 1, "9" * 5000],
    "Blocked": ["confidential", 2, {}],
    "VATNumber": [12],
    "Country": [31, {}],
}


def spoil(bench: Bench, entity: str, change: Callable[[int, dict[str, Any]], object]) -> None:
    """Let Exact send rows of a list that are a little different; they are numbered from 0."""
    numbers = itertools.count()
    bench.edit_rows(entity, lambda row: change(next(numbers), row))


@pytest.mark.parametrize(
    ("column", "value"),
    [(column, value) for column, values in BAD.items() for value in values],
    ids=lambda value: repr(value)[:30],
)
def test_the_rows_behind_it_come_and_the_bookmark_moves(
    bench: Bench,
    caplog: pytest.LogCaptureFixture,
    column: str,
    value: object,
) -> None:
    spoil(bench, "CRM/Accounts", lambda at, row: row.update({column: value} if at < 2 else {}))
    outcome = bench.run("accounts", "vat_codes")
    records = outcome.records("accounts")
    truth = bench.truth("accounts")
    assert [row[column] for row in records[:2]] == [None, None]
    assert {row["ID"] for row in records} == {row["ID"] for row in truth}
    for stream in ("accounts", "vat_codes"):
        assert len(outcome.records(stream)) == len(bench.truth(stream))
    (partition,) = outcome.state["bookmarks"]["accounts"]["partitions"]
    assert partition["replication_key_value"] == max(row["Timestamp"] for row in records)
    assert isinstance(outcome.error, UnexpectedAnswer)
    assert outcome.error.exit_code == 1
    (told,) = (line for line in caplog.messages if f"{column} should be" in line)
    for text in (str(outcome.error), told):
        assert f"accounts of division {bench.divisions[0]}: {column} should be" in text
        assert f"(sent as null: 2, first in row {{'ID': '{records[0]['ID']}'}}" in text
        assert "confidential" not in text


def test_all_is_well_once_it_is_read(bench: Bench) -> None:
    spoil(bench, "CRM/Accounts", lambda at, row: row.update(Name=7) if at == 0 else None)
    first = bench.run("accounts")
    bench.edit_rows("CRM/Accounts", lambda _row: None)
    assert first.error is not None
    second = bench.run("accounts", state=first.state)
    assert second.error is None


@pytest.mark.parametrize("value", [None, {}, 7])
def test_a_row_without_its_key_is_left_out(
    bench: Bench, caplog: pytest.LogCaptureFixture, value: object
) -> None:
    spoil(bench, "CRM/Accounts", lambda at, row: row.update(ID=value) if at == 3 else None)
    outcome = bench.run("accounts")
    assert isinstance(outcome.error, UnexpectedAnswer)
    assert "ID is missing (rows left out: 1" in str(outcome.error)
    assert "ID is missing (rows left out: 1" in caplog.text
    assert len(outcome.records("accounts")) == len(bench.truth("accounts")) - 1
    assert all(row["ID"] for row in outcome.records("accounts"))


@pytest.mark.parametrize("position", [0, 4, -1])
def test_a_bookmark_that_cannot_be_read_moves_nothing_and_poisons_nothing(
    bench: Bench, position: int
) -> None:
    rows = bench.run("accounts").records("accounts")
    at_row = position % len(rows)
    spoil(
        bench,
        "CRM/Accounts",
        lambda at, row: row.update(Timestamp="soon") if at == at_row else None,
    )
    outcome = bench.run("accounts")
    assert isinstance(outcome.error, UnexpectedAnswer)
    assert len(outcome.records("accounts")) == len(rows)
    (partition,) = outcome.state["bookmarks"]["accounts"]["partitions"]
    known = [row["Timestamp"] for row in outcome.records("accounts") if row["Timestamp"]]
    assert partition["replication_key_value"] == max(known)


@pytest.mark.parametrize("column", ["LineNumber", "ID", "AmountFC"])
def test_a_row_of_a_feed_that_cannot_be_placed_spares_the_others(bench: Bench, column: str) -> None:
    spoil(
        bench,
        "SalesInvoice/SalesInvoices",
        lambda at, row: row.update({column: {}}) if at == 1 else None,
    )
    outcome = bench.run(*FEED)
    assert isinstance(outcome.error, UnexpectedAnswer)
    assert column in str(outcome.error)
    sent = sum(len(outcome.records(stream)) for stream in FEED)
    there = sum(len(bench.truth(stream)) for stream in FEED)
    assert sent in (there, there - 1)


def test_lines_that_are_no_list_spare_the_other_entries(bench: Bench) -> None:
    spoil(
        bench,
        "purchaseentry/PurchaseEntries",
        lambda at, row: row.update(PurchaseEntryLines=7) if at == 0 else None,
    )
    settings: Any = {"compare_keys": ["purchase_entries", "purchase_entry_lines"]}
    outcome = bench.run("purchase_entries", "purchase_entry_lines", **settings)
    assert isinstance(outcome.error, UnexpectedAnswer)
    assert "PurchaseEntryLines" in str(outcome.error)
    headers = outcome.records("purchase_entries")
    assert len(headers) == len(bench.truth("purchase_entries"))
    lines = outcome.records("purchase_entry_lines")
    assert {row["EntryID"] for row in lines} == {row["EntryID"] for row in headers[1:]}


def test_where_a_key_cannot_be_read_nothing_is_taken_for_gone(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    first = bench.run("vat_codes", compare_keys=["vat_codes"])
    assert first.error is None
    spoil(bench, "vat/VATCodes", lambda at, row: row.update(ID=7) if at == 0 else None)
    second = bench.run("vat_codes", compare_keys=["vat_codes"], state=first.state)
    assert isinstance(second.error, UnexpectedAnswer)
    assert not [row for row in second.records("vat_codes") if row["_sdc_deleted_at"]]
    assert "nothing is marked as deleted" in caplog.text


def test_an_entry_of_the_deleted_log_spares_the_others(bench: Bench) -> None:
    streams = ("sales_invoices", "sales_invoice_lines", "contacts")
    first = bench.run(*streams)
    bench.server.control.changes(bench.divisions[0], seed=1, new=0, changed=0, deleted=8)
    whole = bench.run(*streams, state=deepcopy(first.state))
    spoil(bench, "Deleted", lambda at, row: row.update(EntityType="x") if at == 0 else None)
    second = bench.run(*streams, state=first.state)
    assert isinstance(second.error, UnexpectedAnswer)
    assert "EntityType" in str(second.error)

    def gone(outcome: Any) -> int:
        return sum(
            1 for name in streams for row in outcome.records(name) if row.get("_sdc_deleted_at")
        )

    # What the log tells of an invoice goes to both halves of the list.
    assert 0 < gone(whole) - gone(second) <= 2
    assert gone(second) > 0


@pytest.mark.parametrize("text", ['"half \\ud83d"', '"nothing\\u0000"'])
def test_half_a_character_and_nul_leave_as_one_that_every_database_takes(
    bench: Bench,
    capsysbinary: pytest.CaptureFixture[bytes],
    caplog: pytest.LogCaptureFixture,
    text: str,
) -> None:
    name = next(row["Name"] for row in bench.truth("accounts") if row["Name"].isascii())
    bench.edit_bodies(lambda body: body.replace(json.dumps(name).encode(), text.encode()))
    tap = TapExactOnline(config=bench.config, catalog=catalog(("accounts",), None, {}))
    tap.sync_all()
    tap.finish()
    tap.connection.close()
    lines = capsysbinary.readouterr().out.decode("utf-8").splitlines()
    records = [message["record"] for message in map(json.loads, lines) if "record" in message]
    assert len(records) == len(bench.truth("accounts"))
    names = {row["Name"] for row in records}
    assert names & {"half \N{REPLACEMENT CHARACTER}", "nothing\N{REPLACEMENT CHARACTER}"}
    assert "texts of Name contain half of a character" in caplog.text
