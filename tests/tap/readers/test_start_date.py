"""Rows older than `start_date` are left out, and no others, whatever their rowversions."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest
import time_machine

if TYPE_CHECKING:
    from tests.tap.conftest import Bench

DAY = 86_400
FEED = "sync/SalesInvoice/SalesInvoices"
LONG = pytest.mark.parametrize(
    "bench",
    [
        {
            "invoices": 600,
            "lines_per_invoice": 5,
            "only": ("sales_invoices",),
            # No clock is changed in these weeks.
            "clock": datetime(2026, 9, 14, 12, tzinfo=timezone.utc),
        }
    ],
    indirect=True,
)


@LONG
def test_a_first_load_that_is_cut_off_leaves_them_out_to_the_end(bench: Bench) -> None:
    control = bench.server.control
    moments = sorted(row["Modified"] for row in bench.truth("sales_invoices"))
    start = moments[-20]
    control.limits(division=bench.divisions[0], leave_today=4)
    first = bench.run("sales_invoices", start_date=start)
    assert 0 < first.calls[FEED] < 4
    with time_machine.travel(time.time() + DAY):
        second = bench.run("sales_invoices", start_date=start, state=first.state)
    records = first.records("sales_invoices") + second.records("sales_invoices")
    assert second.calls[FEED] > 0
    assert {row["InvoiceID"] for row in records} == {
        row["InvoiceID"] for row in bench.truth("sales_invoices") if row["Modified"] >= start
    }
    assert "since" not in second.state["bookmarks"]["sales_invoices"]["partitions"][0]


def test_a_server_that_takes_no_filter_sends_them_in_vain(bench: Bench) -> None:
    bench.server.control.faults(
        {
            "kind": "status",
            "status": 400,
            "message": "Error in query syntax.",
            "path": "VATCodes",
            "times": 4,
        }
    )
    moments = sorted(row["Modified"] for row in bench.truth("vat_codes"))
    start = moments[len(moments) // 2]
    outcome = bench.run("vat_codes", start_date=start)
    assert outcome.error is None
    assert outcome.calls["vat/VATCodes"] == 5
    assert len(outcome.records("vat_codes")) == sum(moment >= start for moment in moments)


def forget_move(bench: Bench) -> None:
    """As where a company was copied or restored: the list of divisions tells of no move."""
    bench.server.world.company(bench.divisions[0]).moved = None


@pytest.mark.parametrize("stream", ["accounts", "sales_invoices", "transaction_lines"])
@pytest.mark.parametrize("is_known", [True, False], ids=["a known move", "an unknown move"])
def test_rowversions_in_another_order_than_moments_lose_no_row(
    bench: Bench, stream: str, *, is_known: bool
) -> None:
    """As in a company that was moved, or copied, or restored."""
    control = bench.server.control
    control.switches(move_keeps_order=False)
    control.move_division(bench.divisions[0])
    if not is_known:
        forget_move(bench)
    moments = sorted(row["Modified"] for row in bench.truth(stream))
    start = moments[len(moments) // 2]
    outcome = bench.run(stream, start_date=start)
    assert outcome.error is None
    key = "InvoiceID" if stream == "sales_invoices" else "ID"
    assert {row[key] for row in outcome.records(stream)} == {
        row[key] for row in bench.truth(stream) if row["Modified"] >= start
    }


def test_going_over_to_rowversions_in_another_order_loses_no_row(bench: Bench) -> None:
    control = bench.server.control
    first = bench.run("accounts", use_sync_api=False)
    control.clock(advance_seconds=DAY)
    control.changes(bench.divisions[0], seed=6, new=3, changed=3, deleted=0)
    control.switches(move_keeps_order=False)
    control.move_division(bench.divisions[0])
    forget_move(bench)
    control.clock(advance_seconds=DAY)
    over = bench.run("accounts", state=first.state)
    rows = {row["ID"]: row["Name"] for run in (first, over) for row in run.records("accounts")}
    assert rows == {row["ID"]: row["Name"] for row in bench.truth("accounts")}
    assert len(over.records("accounts")) < len(rows)


@pytest.mark.parametrize(
    ("stream", "config"),
    [("sales_entries", {}), ("accounts", {"use_sync_api": False}), ("accounts", {})],
)
def test_a_start_date_behind_the_bookmark_keeps_no_change_back(
    bench: Bench, stream: str, config: dict[str, Any]
) -> None:
    """It limits the first run; whoever sets it later, or moves it, loses nothing."""
    control = bench.server.control
    key = "EntryID" if stream == "sales_entries" else "ID"
    before = bench.run(stream, **config)
    known = {row[key]: row["Modified"] for row in bench.truth(stream)}
    control.clock(advance_seconds=DAY)
    control.changes(bench.divisions[0], seed=7, new=3, changed=5, deleted=0)
    control.clock(advance_seconds=DAY)
    after = bench.run(stream, state=before.state, start_date="2200-01-01T00:00:00Z", **config)
    now = {row[key]: row["Modified"] for row in bench.truth(stream)}
    changed = {name for name, moment in now.items() if known.get(name) != moment}
    assert changed
    assert {row[key] for row in after.records(stream)} >= changed
    (partition,) = after.state["bookmarks"][stream]["partitions"]
    assert "since" not in partition


def test_older_entries_of_the_deleted_log_are_left_out(bench: Bench) -> None:
    control = bench.server.control
    for seed in (6, 7):
        control.changes(bench.divisions[0], seed=seed, new=0, changed=0, deleted=3)
        control.clock(advance_seconds=DAY)
    every = bench.run("deleted", deletes="stream").records("deleted")
    moments = sorted(row["DeletedDate"] for row in every)
    start = moments[-1]
    found = bench.run("deleted", deletes="stream", start_date=start).records("deleted")
    assert 0 < len(found) == sum(moment >= start for moment in moments) < len(every)
