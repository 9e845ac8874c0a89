"""Rows older than `start_date`, where Exact cannot tell at which rowversion that is."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest
import time_machine

from exactonline_client import pages

if TYPE_CHECKING:
    from tests.tap.conftest import Bench

DAY = 86_400
FEED = "sync/SalesInvoice/SalesInvoices"
SYNC_TIMESTAMP = "read/sync/Sync/SyncTimestamp"
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
    control.switches(sync_timestamp_names=["Accounts"])
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
        {"kind": "status", "status": 400, "body": True, "path": "VATCodes", "times": 2}
    )
    moments = sorted(row["Modified"] for row in bench.truth("vat_codes"))
    start = moments[len(moments) // 2]
    outcome = bench.run("vat_codes", start_date=start)
    assert outcome.error is None
    assert outcome.calls["vat/VATCodes"] == 3
    assert len(outcome.records("vat_codes")) == sum(moment >= start for moment in moments)


def test_a_name_that_exact_does_not_know_is_asked_for_once(bench: Bench) -> None:
    bench.server.control.switches(sync_timestamp_names=["Accounts"])
    settings: dict[str, Any] = {"start_date": "2020-01-01"}
    first = bench.run("accounts", "contacts", "deleted", **settings)
    second = bench.run("accounts", "contacts", "deleted", **settings)
    assert first.error is second.error is None
    assert (first.calls[SYNC_TIMESTAMP], second.calls[SYNC_TIMESTAMP]) == (2, 1)


@pytest.mark.parametrize("value", ["soon", None, {"text": "7"}])
def test_a_rowversion_that_is_none_is_not_known(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, value: object
) -> None:
    parse = pages.parse

    def changed(body: bytes) -> pages.Page:
        page = parse(body)
        for row in page.rows:
            if "TimeStampAsBigInt" in row:
                row["TimeStampAsBigInt"] = value
        return page

    monkeypatch.setattr(pages, "parse", changed)
    outcome = bench.run("accounts", start_date="2020-01-01")
    assert outcome.error is None
    assert {row["ID"] for row in outcome.records("accounts")} == {
        row["ID"] for row in bench.truth("accounts") if row["Modified"] >= "2020-01-01"
    }
