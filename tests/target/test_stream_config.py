"""The setting `streams`: what a stream can be, and what is said of mistakes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from exactonline_client.errors import ConfigurationError
from target_exactonline import stream_config
from target_exactonline.grouping.buffer import DocumentBuffer
from target_exactonline.stream_config import DOCUMENT, LINE, ROW

if TYPE_CHECKING:
    from tests.target.conftest import Company, Runner

BILLS = {
    "streams": {"bills": {"entity": "sales_invoices", "reference_field": "Description"}},
}


def feed(stream: str, setting: dict[str, Any] | None = None) -> stream_config.StreamMapping:
    return stream_config.map_stream(stream, stream_config.parse_setting(setting), "YourRef")


@pytest.mark.parametrize(
    ("stream", "entity", "part"),
    [
        ("sales_invoices", "sales_invoices", DOCUMENT),
        ("warehouse-SalesInvoices", "sales_invoices", DOCUMENT),
        ("sales_invoice_lines", "sales_invoices", LINE),
        ("public.SALES_ENTRY_LINES", "sales_entries", LINE),
        ("purchase_order_lines", "purchase_orders", LINE),
        ("accounts", "accounts", DOCUMENT),
    ],
)
def test_a_name_says_what_a_stream_is(stream: str, entity: str, part: str) -> None:
    found = feed(stream)
    assert (found.entity.stream, found.part) == (entity, part)


@pytest.mark.parametrize(
    ("setting", "stream", "entity", "part"),
    [
        ({"bills": "sales_invoices"}, "bills", "sales_invoices", DOCUMENT),
        ({"bills": "SalesInvoices"}, "erp-bills", "sales_invoices", DOCUMENT),
        ({"erp-bills": "sales_orders"}, "erp-bills", "sales_orders", DOCUMENT),
        ({"bill_rows": "sales_invoice_lines"}, "bill_rows", "sales_invoices", LINE),
        ({"sales_orders": {"rows": "lines"}}, "sales_orders", "sales_orders", ROW),
        ({"x": {"entity": "quotations", "rows": "lines"}}, "x", "quotations", ROW),
        (
            {"more": {"entity": "sales_invoice_lines", "rows": "documents"}},
            "more",
            "sales_invoice_lines",
            DOCUMENT,
        ),
    ],
)
def test_the_setting_says_otherwise(
    setting: dict[str, Any], stream: str, entity: str, part: str
) -> None:
    found = feed(stream, setting)
    assert (found.entity.stream, found.part) == (entity, part)


def test_a_stream_may_have_a_reference_field_of_its_own() -> None:
    setting = {"bills": {"entity": "sales_invoices", "reference_field": "Description"}}
    assert feed("bills", setting).reference_field == "Description"
    assert feed("sales_invoices", setting).reference_field == "YourRef"


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        (
            {"bills": "sales_invoces"},
            (
                "'sales_invoces' (of stream 'bills') is not a writable entity. "
                "Did you mean sales_invoices or "
            ),
        ),
        (
            {"people": {"entity": "accounts", "rows": "lines"}},
            (
                "stream 'people' cannot have rows: lines, since accounts have no lines. Those that "
                "have: bank_entries"
            ),
        ),
        (
            {"rows": {"entity": "sales_entry_lines", "rows": "lines"}},
            (
                "stream 'rows' is a stream of lines (sales_entry_lines); rows and reference_field "
                "belong to the stream of its documents, sales_entries"
            ),
        ),
        (
            {"bills": {"entity": "sales_invoices", "reference_field": "Remarks"}},
            "cannot be searched by 'Remarks'",
        ),
    ],
)
def test_a_mistake_is_named_with_what_is_possible(setting: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        stream_config.parse_setting(setting)
    assert told in str(error.value)


def test_a_mistake_ends_the_run_before_anything_is_read(runner: Runner) -> None:
    with pytest.raises(
        ConfigurationError, match="'bils' \\(of stream 'bills'\\) is not a writable entity"
    ):
        runner.run([], streams={"bills": "bils"})


def invoice_and_bill(company: Company, runner: Runner, invoice: str, bill: str) -> list[Any]:
    """Messages of two streams of invoices, one known by YourRef, the other by its description."""
    by_description = company.invoice("", Description=bill)
    del by_description["YourRef"]
    return [
        runner.schema(),
        runner.schema("bills"),
        runner.record(company.invoice(invoice)),
        runner.record(by_description, "bills"),
    ]


def test_two_streams_of_one_entity_have_each_their_reference(
    company: Company, runner: Runner
) -> None:
    a, b = str(uuid4()), str(uuid4())
    messages = invoice_and_bill(company, runner, a, b)
    assert runner.run(messages, **BILLS).outcomes == [(a, "created"), (b, "created")]
    rerun = runner.run(messages, **BILLS)
    assert rerun.outcomes == [(a, "unchanged"), (b, "unchanged")]


def test_a_reference_of_another_stream_means_another_document(
    company: Company, runner: Runner
) -> None:
    same = str(uuid4())
    messages = invoice_and_bill(company, runner, same, same)
    load = runner.run(messages, **BILLS)
    assert [outcome for _, outcome in load.outcomes] == ["created", "rejected"]
    assert str(load.reasons[1]).startswith("a document of stream sales_invoices")
    assert f"has the reference {same} already" in str(load.reasons[1])
    rerun = runner.run(messages, **BILLS)
    assert [outcome for _, outcome in rerun.outcomes] == ["unchanged", "rejected"]


def test_a_stream_that_only_the_settings_of_another_run_tell_of(
    company: Company, runner: Runner
) -> None:
    record = company.invoice(str(uuid4()))
    bills = {"bills": "sales_invoices"}
    messages = [runner.schema("bills"), runner.record(record, "bills")]
    assert runner.run(messages, streams=bills).results[0]["outcome"] == "created"
    assert runner.load(record).results[0]["outcome"] == "unchanged"
    accounts = {"bills": "accounts"}
    assert runner.load(record, streams=accounts).results[0]["outcome"] == "unchanged"


def test_a_doubt_is_settled_by_what_its_own_stream_is_known_by(
    company: Company, runner: Runner
) -> None:
    ours, theirs = str(uuid4()), str(uuid4())
    bills = {"entity": "sales_invoices", "reference_field": "Description"}
    options = {"streams": {"bills": bills}, "settle_after": 0}
    company.server.control.faults({"kind": "cut", "method": "POST", "times": 2})
    bill = company.invoice(theirs, Description=ours)
    load = runner.run([runner.schema("bills"), runner.record(bill, "bills")], **options)
    assert load.outcomes == [(ours, "in_doubt")]
    both = runner.run([runner.schema(), runner.schema("bills")], **options)
    assert both.outcomes == [(ours, "created")]
    assert len(company.invoices(theirs)) == 1


@pytest.mark.parametrize(
    ("entity", "column", "line_column"),
    [
        ("sales_invoices", "your_ref", None),
        ("sales_invoices", "reference", None),
        ("sales_invoices", "Description", None),
        ("sales_invoices", "line_description", "description"),
        ("sales_invoices", "Item", "Item"),
        ("sales_invoices", "item_code", "item_code"),
        ("sales_invoices", "OrderedByCode", None),
        ("sales_invoices", "shoe_size", None),
        ("sales_entries", "amount_fc", "amount_fc"),
        ("sales_entries", "GLAccount", "GLAccount"),
        ("sales_entries", "gl_account_code", "gl_account_code"),
        ("sales_entries", "customer_code", None),
        ("general_journal_entries", "journal_code", None),
        ("general_journal_entries", "date", "date"),
    ],
)
def test_each_column_of_a_flat_row_belongs_to_the_header_or_to_the_line(
    entity: str, column: str, line_column: str | None
) -> None:
    chosen = stream_config.parse_setting({"billing": {"entity": entity, "rows": "lines"}})
    feed = stream_config.map_stream("billing", chosen, "YourRef")
    gathering = DocumentBuffer(chosen, "YourRef", lambda: ZoneInfo("Europe/Amsterdam"))
    gathering.expect(feed, ())
    gathering.take(feed, (), {column: "x", "Quantity": 1, "AmountFC": 1})
    ((_, record),) = gathering.documents()
    (row,) = record[feed.collection.name if feed.collection else ""]
    assert (column in record) is (line_column is None)
    assert row.get(line_column) == (None if line_column is None else "x")
