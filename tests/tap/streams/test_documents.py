"""Lines of documents, which come from the list of their headers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exactonline_client.errors import Incomplete
from exactonline_sandbox.books.booking import PROCESSED
from exactonline_sandbox.business import rows
from exactonline_sandbox.business.editor import Editor

if TYPE_CHECKING:
    from tests.tap.conftest import Bench

DAY = 86_400
LINES = "purchaseentry/PurchaseEntryLines"
PAIR = ("purchase_entries", "purchase_entry_lines")


def change_a_line(bench: Bench) -> str:
    """Change the text of a line, and nothing of its entry; returns its key."""
    world = bench.server.world
    editor = Editor(world.company(bench.divisions[0]), world.author(world.config.users[0]))
    entries = editor.company.table("purchaseentry/PurchaseEntries")
    for row in editor.company.table(LINES).rows.values():
        if entries.rows[row["EntryID"]]["Status"] != PROCESSED:
            rows.change(editor, LINES, row, {"Description": "changed"})
            return str(row["ID"])
    raise AssertionError("all entries are processed")


@pytest.mark.parametrize("bench", [{"divisions": 2}], indirect=True)
@pytest.mark.parametrize("pair", [("sales_invoices", "sales_invoice_lines"), PAIR])
def test_lines_of_many_batches_have_one_schema(bench: Bench, pair: tuple[str, str]) -> None:
    found = bench.run(*pair, divisions=[*bench.divisions])
    rows = [row for division in bench.divisions for row in bench.truth(pair[1], division)]
    assert len(found.records(pair[1])) == len(rows)
    schemas = [message["stream"] for message in found.messages if message["type"] == "SCHEMA"]
    assert sorted(schemas) == sorted(pair)


@pytest.mark.parametrize("touches", [True, False])
def test_a_change_of_a_line_comes_when_its_entry_does(bench: Bench, *, touches: bool) -> None:
    control = bench.server.control
    control.switches(line_touches_header=touches)
    control.changes(bench.divisions[0], seed=1, new=8, changed=0, deleted=0)
    control.clock(advance_seconds=DAY)
    first = bench.run(*PAIR)
    control.clock(advance_seconds=DAY)
    key = change_a_line(bench)
    control.clock(advance_seconds=DAY)
    second = bench.run(*PAIR, state=first.state)
    assert (key in {row["ID"] for row in second.records(PAIR[1])}) is touches
    # What the documentation advises where it does not.
    afresh = bench.run(*PAIR)
    assert {row["Description"] for row in afresh.records(PAIR[1]) if row["ID"] == key} == {
        "changed"
    }
    whole = [{"name": "whole", "path": LINES}]
    custom = bench.run("whole", custom_streams=whole)
    assert {row["Description"] for row in custom.records("whole") if row["ID"] == key} == {
        "changed"
    }


@pytest.mark.parametrize(
    ("stream", "endpoint"),
    [
        ("sales_invoice_lines", "sync/SalesInvoice/SalesInvoices"),
        ("purchase_entry_lines", "purchaseentry/PurchaseEntries"),
    ],
)
def test_lines_alone_are_called_by_their_name(
    bench: Bench, caplog: pytest.LogCaptureFixture, stream: str, endpoint: str
) -> None:
    bench.server.control.switches(denied=[endpoint])
    first = bench.run(stream)
    assert first.calls[endpoint] == 2
    assert f"Skipping {stream} of division" in caplog.text
    # It is not asked again within the hour.
    assert bench.run(stream).calls[endpoint] == 0


def test_a_failure_of_lines_alone_is_told_by_their_name(
    bench: Bench,
) -> None:
    bench.edit_pages(lambda rows: [row.pop("LineNumber", None) for row in rows])
    outcome = bench.run("sales_invoice_lines", "vat_codes")
    assert isinstance(outcome.error, Incomplete)
    assert "sales_invoice_lines of division" in str(outcome.error)
    assert "rows has LineNumber" in str(outcome.error)
    assert outcome.records("vat_codes")
