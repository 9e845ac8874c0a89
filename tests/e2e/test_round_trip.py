"""The main job: Exact Online into PostgreSQL, changes only the second time, and invoices back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from demo import CORE_STREAMS
from demo.__main__ import DAY, NEW_INVOICES
from demo.billing import table_of_invoices
from demo.stack import WAREHOUSE
from exactonline_client import catalogue
from tests.e2e.rows import differences, loaded

if TYPE_CHECKING:
    from demo.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1300)]


def divisions(stack: Stack) -> list[int]:
    return [int(division) for division in stack.sandbox.facts["divisions"]]


def load(stack: Stack, log: str) -> None:
    stack.meltano(
        "run",
        "tap-exactonline",
        "target-postgres",
        log=log,
        TAP_EXACTONLINE_ALL_DIVISIONS="true",
        TAP_EXACTONLINE__SELECT=json.dumps([f"{stream}.*" for stream in CORE_STREAMS]),
    )


def assert_equal(stack: Stack, *, joined: bool = True) -> None:
    found = [
        line
        for division in divisions(stack)
        for stream in CORE_STREAMS
        if division == divisions(stack)[0] or not catalogue.load().streams[stream].per_user
        for line in differences(stack, division, stream, joined=joined)
    ]
    assert not found, "\n".join(found[:40])


def test_the_first_load_equals_exact_row_by_row(stack: Stack) -> None:
    load(stack, "first")
    assert_equal(stack)
    division = divisions(stack)[0]
    assert len(loaded(stack, division, "sales_invoices")) == 100
    assert len(loaded(stack, division, "transaction_lines")) > 300


def test_the_second_load_sends_only_what_changed(stack: Stack) -> None:
    stack.sandbox.post("clock", advance_seconds=DAY)
    for division in divisions(stack):
        stack.sandbox.post("changes", division=division, seed=3, new=4, changed=3, deleted=2)
    moment = stack.sql("select (now() at time zone 'utc')::text")[0][0]
    load(stack, "second")
    assert_equal(stack, joined=False)
    written = stack.sql(
        f"""select count(*) from "{WAREHOUSE}".accounts where "_sdc_received_at" >= '{moment}'"""  # noqa: S608
    )
    assert written[0][0] < len(loaded(stack, divisions(stack)[0], "accounts"))


def test_invoices_are_created_from_a_table_once(stack: Stack) -> None:
    division = divisions(stack)[0]
    before = len(stack.sandbox.truth(division, "sales_invoices"))
    stack.sql(table_of_invoices(division, NEW_INVOICES))
    stack.meltano("run", "tap-postgres", "target-exactonline", log="invoices")
    created = stack.sandbox.truth(division, "sales_invoices")
    assert len(created) == before + NEW_INVOICES
    stack.meltano("run", "tap-postgres", "target-exactonline", log="invoices-again")
    assert stack.sandbox.truth(division, "sales_invoices") == created


def test_the_new_invoices_come_back(stack: Stack) -> None:
    load(stack, "third")
    assert_equal(stack, joined=False)
    rows = loaded(stack, divisions(stack)[0], "sales_invoices").values()
    assert sum(str(row["YourRef"]).startswith("WEB-") for row in rows) == NEW_INVOICES


def test_what_became_of_them_comes_back_as_well(stack: Stack) -> None:
    stack.meltano(
        "run",
        "tap-exactonline",
        "target-postgres",
        log="results",
        TAP_EXACTONLINE_ALL_DIVISIONS="true",
        TAP_EXACTONLINE__SELECT='["posting_results.*"]',
    )
    found = stack.sql(
        f"""select result.reference, result.outcome, invoice."YourRef"
            from "{WAREHOUSE}".posting_results result
            join "{WAREHOUSE}".sales_invoices invoice
            on invoice."InvoiceID"::text = result.exact_id"""  # noqa: S608
    )
    assert len(found) == NEW_INVOICES
    assert {(reference, "created") for reference, *_ in found} == {
        (your_ref, outcome) for _, outcome, your_ref in found
    }
