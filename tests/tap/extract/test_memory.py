"""What the tap remembers between runs beside the Singer state: refusals, and first loads."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from exactonline_client.store import unsupported
from exactonline_client.store.store import Store
from exactonline_client.store.tables import refusals
from tap_exactonline.readers.lines import MAX_BUFFERED

if TYPE_CHECKING:
    from tests.tap.conftest import Bench, Outcome

MESSAGE = "Could not find a property named 'NoSuchThing' on VATCodes."
ENTRIES = ("purchase_entries", "purchase_entry_lines")


def refuse(bench: Bench, query: str) -> None:
    """Let the server refuse calls with a part in their query, in words for a wrong query."""
    bench.server.control.faults(
        {"kind": "status", "status": 400, "query": query, "message": MESSAGE, "path": "VATCodes"}
    )


def refused(bench: Bench) -> int:
    """Calls that the sandbox answered with 400 in the last run."""
    calls = bench.server.control.calls()["calls"]
    return sum(call["count"] for call in calls if call["status"] == 400)


def told(outcome: Outcome, stream: str) -> set[str]:
    return {row["ID"] for row in outcome.records(stream) if row.get("_sdc_deleted_at")}


@pytest.mark.parametrize(("query", "attempts"), [("$orderby=Modified", 1), ("$filter=Modified", 2)])
def test_what_an_endpoint_refuses_is_asked_once(bench: Bench, query: str, attempts: int) -> None:
    refuse(bench, query)
    divisions = list(bench.divisions)
    first = bench.run("vat_codes", divisions=divisions)
    assert first.error is None
    # Each refusal is believed when it came twice.
    assert refused(bench) == attempts * 2 * len(divisions)
    second = bench.run("vat_codes", divisions=divisions)
    assert refused(bench) == 0
    assert len(second.records("vat_codes")) == len(bench.truth("vat_codes")) * len(divisions)


@pytest.mark.parametrize("bench", [{"divisions": 2}], indirect=True)
def test_a_refused_expansion_is_remembered_for_a_division_and_all_runs(bench: Bench) -> None:
    bench.server.control.switches(expand=False)
    settings: dict[str, Any] = {"divisions": list(bench.divisions)}
    bench.run(*ENTRIES, **settings)
    assert refused(bench) == 2 * len(bench.divisions)
    second = bench.run(*ENTRIES, **settings)
    assert refused(bench) == 0
    rows = [row for division in bench.divisions for row in bench.truth(ENTRIES[1], division)]
    assert len(second.records(ENTRIES[1])) == len(rows)


def test_after_a_month_it_is_asked_again(bench: Bench) -> None:
    refuse(bench, "$orderby=Modified")
    bench.run("vat_codes")
    month = unsupported.DAYS_REMEMBERED * unsupported.DAY
    with closing(Store(bench.config["store_url"])) as store, store.transaction() as connection:
        connection.execute(refusals.update().values(at=refusals.c.at - month))
        assert connection.execute(sa.select(refusals.c.endpoint)).scalars().all() == [
            "vat/VATCodes"
        ]
    bench.run("vat_codes")
    assert refused(bench) == 2


def test_a_query_that_is_wrong_in_itself_is_no_reason_to_remember(bench: Bench) -> None:
    custom: dict[str, Any] = {
        "name": "wrong",
        "path": "vat/VATCodes",
        "filter": "Cod eq '1'",
        "replication_key": "Modified",
    }
    assert bench.run("wrong", custom_streams=[custom]).error is not None
    assert refused(bench) == 8
    bench.run("vat_codes")
    assert refused(bench) == 0
    with closing(Store(bench.config["store_url"])) as store, store.transaction() as connection:
        assert connection.execute(sa.select(refusals)).all() == []


def test_rows_of_a_first_load_whose_state_never_arrived_can_be_deleted(bench: Bench) -> None:
    """A target may have stored rows before the first state, and have died just then."""
    changes = bench.server.control.changes
    changes(bench.divisions[0], seed=1, new=0, changed=0, deleted=6)
    first = bench.run("contacts")
    sent = {row["ID"] for row in first.records("contacts")}
    assert not told(first, "contacts")
    changes(bench.divisions[0], seed=2, new=0, changed=0, deleted=12)
    gone = sent - {row["ID"] for row in bench.truth("contacts")}
    assert gone
    second = bench.run("contacts")
    assert told(second, "contacts") == gone
    assert not told(bench.run("contacts", state=second.state), "contacts")
    # That state was the proof that the load has arrived: a new warehouse is told of nothing.
    assert not told(bench.run("contacts"), "contacts")


@pytest.mark.parametrize(
    "bench", [{"invoices": 700, "lines_per_invoice": 4, "only": ("sales_invoices",)}], indirect=True
)
def test_the_same_holds_for_lines_that_are_sent_in_many_parts(
    bench: Bench,
) -> None:
    first = bench.run("sales_invoice_lines")
    assert len(first.records("sales_invoice_lines")) > MAX_BUFFERED
    sent = {row["ID"] for row in first.records("sales_invoice_lines")}
    bench.server.control.changes(bench.divisions[0], seed=2, new=0, changed=0, deleted=8)
    gone = sent - {row["ID"] for row in bench.truth("sales_invoice_lines")}
    assert gone
    assert told(bench.run("sales_invoice_lines"), "sales_invoice_lines") >= gone


def test_the_log_is_read_back_to_the_first_load_that_needs_it(bench: Bench) -> None:
    first = bench.run("contacts", "accounts")
    state = first.state
    del state["bookmarks"]["contacts"]
    bench.server.control.changes(bench.divisions[0], seed=2, new=0, changed=0, deleted=12)
    gone = {row["ID"] for row in first.records("contacts")} - {
        row["ID"] for row in bench.truth("contacts")
    }
    ahead = bench.run("accounts", state=state)
    second = bench.run("contacts", "accounts", state=ahead.state)
    assert gone
    assert told(second, "contacts") == gone
    assert not told(second, "accounts")
