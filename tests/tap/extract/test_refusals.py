"""What a refusal of the moment costs, and what one that stays leads to."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
import time_machine

from exactonline_client.errors import (
    AccessDenied,
    EndpointUnavailable,
    Incomplete,
    RequestRefused,
)
from exactonline_client.store import unsupported
from exactonline_client.store.store import Store
from exactonline_client.store.tables import refusals

if TYPE_CHECKING:
    from tests.tap.conftest import Bench, Outcome

DAY = 86_400.0
ACCOUNTS = "sync/CRM/Accounts"
UNKNOWN = "Could not find a property named 'Name' on type 'Exact.Web.Api.Models.Account'."
TWO = pytest.mark.parametrize("bench", [{"divisions": 2, "invoices": 8}], indirect=True)
ENTRIES = ("purchase_entries", "purchase_entry_lines")


def refuse(bench: Bench, status: int, path: str, **rule: Any) -> None:
    bench.server.control.faults({"kind": "status", "status": status, "path": path, **rule})


def remembered(bench: Bench) -> list[tuple[int, str, str]]:
    columns = (refusals.c.division, refusals.c.endpoint, refusals.c.option)
    with closing(Store(bench.config["store_url"])) as store, store.transaction() as connection:
        return [tuple(row) for row in connection.execute(sa.select(*columns)).all()]


def is_whole(bench: Bench, outcome: Outcome, stream: str, *divisions: int) -> bool:
    rows = [row for row in outcome.records(stream) if "_sdc_deleted_at" not in row]
    truth = [row for one in divisions or bench.divisions for row in bench.truth(stream, one)]
    return len(rows) == len(truth) > 0


# One refusal


@pytest.mark.parametrize(
    ("status", "message"), [(400, UNKNOWN), (400, ""), (400, "No."), (403, "Forbidden")]
)
@pytest.mark.parametrize(
    ("streams", "path"),
    [
        (("accounts",), "CRM/Accounts"),
        (("vat_codes",), "vat/VATCodes"),
        (("accounts",), "sync/Deleted"),
        (ENTRIES, "PurchaseEntries"),
    ],
)
def test_one_refusal_costs_nothing(
    bench: Bench, status: int, message: str, streams: tuple[str, ...], path: str
) -> None:
    refuse(bench, status, path, message=message, times=1)
    outcome = bench.run(*streams)
    assert outcome.error is None
    for stream in streams:
        assert is_whole(bench, outcome, stream)
    assert all(row["Name"] for row in outcome.records("accounts"))
    assert remembered(bench) == []


@pytest.mark.parametrize("status", [400, 403])
@pytest.mark.parametrize("bench", [{"invoices": 400}], indirect=True)
def test_one_refusal_of_a_second_page_costs_nothing(bench: Bench, status: int) -> None:
    refuse(bench, status, "PurchaseEntries", message="Forbidden", skip=1, times=1)
    outcome = bench.run("purchase_entries")
    assert outcome.error is None
    assert is_whole(bench, outcome, "purchase_entries")


@pytest.mark.parametrize("bench", [{"invoices": 400}], indirect=True)
def test_a_page_denied_behind_one_that_was_given_is_no_lack_of_rights(bench: Bench) -> None:
    refuse(bench, 403, "PurchaseEntries", message="Forbidden", skip=1, times=2)
    first = bench.run("purchase_entries")
    assert isinstance(first.error, Incomplete)
    assert isinstance(first.error.reason, EndpointUnavailable)
    assert first.error.exit_code == 7
    second = bench.run("purchase_entries", state=first.state)
    assert second.error is None
    keys = {row["EntryID"] for run in (first, second) for row in run.records("purchase_entries")}
    assert keys == {row["EntryID"] for row in bench.truth("purchase_entries")}


@pytest.mark.parametrize("stream", ["vat_codes", "accounts", "purchase_entry_lines"])
def test_words_that_nobody_knows_end_the_stream_and_are_not_remembered(
    bench: Bench, stream: str
) -> None:
    refuse(bench, 400, "", message="De rij 'Description' 'Name' 'Quantity' is vergrendeld.")
    first = bench.run(stream, check_rights=False)
    assert isinstance(first.error, Incomplete)
    assert isinstance(first.error.reason, RequestRefused)
    assert first.error.exit_code == 1
    assert remembered(bench) == []
    bench.server.control.faults()
    second = bench.run(stream, state=first.state)
    assert second.error is None
    assert is_whole(bench, second, stream)


# Columns that are not known


@TWO
def test_a_column_is_left_out_where_it_is_not_known_and_comes_back(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = bench.divisions
    settings: dict[str, Any] = {"divisions": [one, two]}
    # A table that is upserted into: what a record lacks is left as it is.
    table: dict[str, dict[str, Any]] = {}

    def load(outcome: Outcome) -> None:
        assert outcome.error is None
        for row in outcome.records("accounts"):
            table.setdefault(row["ID"], {}).update(row)

    refuse(bench, 400, ACCOUNTS, message=UNKNOWN, division=one, times=2)
    first = bench.run("accounts", **settings)
    load(first)
    for row in first.records("accounts"):
        assert ("Name" in row) is (row["Division"] == two)
    assert remembered(bench) == [(one, ACCOUNTS, "$select=Name")]
    assert bench.run("accounts", **settings).error is None
    caplog.clear()
    second = bench.run("accounts", state=first.state, **settings)
    load(second)
    told = [line for line in caplog.messages if "Name" in line]
    assert len(told) == 1
    assert f"accounts of division {one}: " in told[0]
    assert "is left out until 20" in told[0]
    with time_machine.travel(time.time() + unsupported.DAYS_REMEMBERED * DAY + 60):
        bench.sign_in()
        third = bench.run("accounts", state=second.state, **settings)
        load(third)
        fourth = bench.run("accounts", state=third.state, **settings)
    assert {row["Division"] for row in third.records("accounts")} == {one}
    assert fourth.records("accounts") == []
    for division in (one, two):
        for row in bench.truth("accounts", division):
            assert table[row["ID"]]["Name"] == row["Name"]


@pytest.mark.parametrize(
    ("stream", "endpoint", "column"),
    [
        ("vat_codes", "vat/VATCodes", "Description"),
        ("purchase_orders", "sync/PurchaseOrder/PurchaseOrders", "Description"),
        ("purchase_entry_lines", "purchaseentry/PurchaseEntryLines", "Quantity"),
    ],
)
@pytest.mark.parametrize("tells", [True, False])
def test_what_is_still_not_there_after_a_month_is_no_reason_to_read_everything(
    bench: Bench, stream: str, endpoint: str, column: str, *, tells: bool
) -> None:
    if not tells and stream != "vat_codes":
        pytest.skip("there is no other way to ask for those")
    bench.server.control.switches(
        removed_columns=[f"{endpoint}.{column}"], tells_removed_columns=tells
    )
    first = bench.run(stream)
    assert first.error is None
    assert is_whole(bench, first, stream)
    assert not any(column in row for row in first.records(stream))
    with time_machine.travel(time.time() + 31 * DAY):
        bench.server.control.clock(advance_seconds=31 * DAY)
        bench.sign_in()
        second = bench.run(stream, state=first.state)
    assert second.error is None
    assert second.records(stream) == []
    bench.server.control.switches(removed_columns=[])
    with time_machine.travel(time.time() + 62 * DAY):
        bench.server.control.clock(advance_seconds=31 * DAY)
        bench.sign_in()
        third = bench.run(stream, state=second.state)
    assert third.error is None
    assert is_whole(bench, third, stream)
    assert all(column in row for row in third.records(stream))


def test_every_run_tells_what_a_list_is_read_without(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    refuse(bench, 400, "VATCodes", message="Error in query syntax.", times=2)
    for _run in range(2):
        caplog.clear()
        assert bench.run("vat_codes").error is None
        told = [line for line in caplog.messages if "is not asked for until" in line]
        assert len(told) == 1
        assert "$orderby=Modified" in told[0]
        assert f"vat_codes of division {bench.divisions[0]}" in told[0]


# Rights


STREAMS = ("accounts", "items", "journals", "vat_codes")


@TWO
@pytest.mark.parametrize("which", [0, 1])
def test_a_division_that_denies_every_list_is_an_error(bench: Bench, which: int) -> None:
    shut, other = bench.divisions[which], bench.divisions[1 - which]
    rules = [
        {"kind": "status", "status": 403, "message": "Forbidden", "division": shut, "path": path}
        for path in ("sync/", "financial/", "vat/", "Divisions")
    ]
    bench.server.control.faults(*rules)
    for _run in range(2):
        outcome = bench.run(*STREAMS, divisions=[shut, other])
        assert isinstance(outcome.error, Incomplete)
        assert outcome.error.exit_code == 6
        assert f"division {shut}" in str(outcome.error)
        for stream in STREAMS:
            assert is_whole(bench, outcome, stream, other)


def test_a_list_that_is_denied_among_others_is_a_warning(bench: Bench) -> None:
    refuse(bench, 403, "vat/VATCodes", message="Forbidden")
    for _run in range(2):
        outcome = bench.run("vat_codes", "journals")
        assert outcome.error is None
        assert is_whole(bench, outcome, "journals")


@TWO
@pytest.mark.parametrize("reason", ["LicenseExpired", "DivisionBlocked: by its owner"])
def test_a_reason_that_is_no_matter_of_a_list_ends_the_division_at_once(
    bench: Bench, caplog: pytest.LogCaptureFixture, reason: str
) -> None:
    shut, other = bench.divisions
    refuse(bench, 403, "", message="Geen toegang.", reason=reason, division=shut)
    outcome = bench.run(*STREAMS, divisions=[shut, other], max_parallel_divisions=1)
    assert isinstance(outcome.error, Incomplete)
    assert isinstance(outcome.error.reason, AccessDenied)
    assert outcome.error.exit_code == 6
    for text in (str(outcome.error), caplog.text):
        assert reason in text
        assert "Geen toegang." in text
    calls = bench.server.control.calls()["calls"]
    assert sum(call["count"] for call in calls if call["status"] == 403) <= 4
    for stream in STREAMS:
        assert is_whole(bench, outcome, stream, other)
