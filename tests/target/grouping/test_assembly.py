"""Documents whose headers and lines come as two streams, or as flat rows."""

from __future__ import annotations

import json
import tracemalloc
from contextlib import closing
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from exactonline_client import connections
from exactonline_client.errors import RecordsRejected
from exactonline_client.store.postings import UNFINISHED, Wanted, unfinished
from exactonline_client.store.store import Store
from tap_exactonline.tap import TapExactOnline
from target_exactonline import stream_config
from target_exactonline.grouping.buffer import DocumentBuffer
from tests.tap.conftest import Collector, catalog

if TYPE_CHECKING:
    from tests.target.conftest import Company, Load, Message, Record, Runner

HEADERS, LINES, FLAT = "sales_invoices", "sales_invoice_lines", "billing"
AS_LINES = {"streams": {FLAT: {"entity": "sales_invoices", "rows": "lines"}}}


def schema(stream: str, *keys: str) -> Message:
    properties: dict[str, Any] = {"properties": {}}
    return {"type": "SCHEMA", "stream": stream, "schema": properties, "key_properties": list(keys)}


def header(company: Company, reference: str, **fields: Any) -> Record:
    return {"YourRef": reference, "OrderedBy": company.customer, **fields}


def line(company: Company, quantity: float = 1, **fields: Any) -> Record:
    return {"Item": company.items[0], "Quantity": quantity, **fields}


def flat(company: Company, reference: str, quantity: float = 1, **fields: Any) -> Record:
    return {**header(company, reference), **line(company, quantity), **fields}


def quantities(company: Company, reference: str) -> list[float]:
    """Those of the lines of the one invoice with this reference, in its order."""
    (invoice,) = company.invoices(reference)
    lines = sorted(company.lines(invoice["InvoiceID"]), key=lambda row: row["LineNumber"])
    return [row["Quantity"] for row in lines]


class Feeds:
    """Messages of headers and lines."""

    def __init__(self, company: Company, runner: Runner) -> None:
        self._company, self._runner = company, runner

    def header(self, reference: str, **fields: Any) -> Message:
        return self._runner.record(header(self._company, reference, **fields), HEADERS)

    def line(self, quantity: float = 1, **fields: Any) -> Message:
        return self._runner.record(line(self._company, quantity, **fields), LINES)

    def run(self, *messages: Message, keys: tuple[str, ...] = (), **options: Any) -> Load:
        beginning = [schema(HEADERS), schema(LINES, *keys)]
        return self._runner.run([*beginning, *messages, self._runner.state("end")], **options)


@pytest.fixture
def feeds(company: Company, runner: Runner) -> Feeds:
    return Feeds(company, runner)


class TestTwoStreams:
    def test_lines_find_their_header_in_any_order(self, company: Company, feeds: Feeds) -> None:
        a, b = str(uuid4()), str(uuid4())
        load = feeds.run(
            feeds.line(1, reference=a),
            feeds.header(b),
            feeds.line(4, YourRef=b),
            feeds.header(a),
            feeds.line(2, your_ref=f" {a} "),
        )
        assert load.error is None
        assert load.outcomes == [(b, "created"), (a, "created")]
        assert quantities(company, a) == [1, 2]
        assert quantities(company, b) == [4]

    def test_lines_are_in_the_order_of_their_numbers(self, company: Company, feeds: Feeds) -> None:
        a = str(uuid4())
        numbered = [feeds.line(n, reference=a, line_number=str(n)) for n in (10, 9, 1)]
        assert feeds.run(feeds.header(a), *numbered).error is None
        assert quantities(company, a) == [1, 9, 10]

    def test_lines_name_the_key_of_their_header(self, company: Company, feeds: Feeds) -> None:
        a, key = str(uuid4()), str(uuid4())
        load = feeds.run(
            feeds.line(3, InvoiceID=f"{{{key.upper()}}}"), feeds.header(a, InvoiceID=key)
        )
        assert load.outcomes == [(a, "created")]
        assert quantities(company, a) == [3]

    def test_no_state_passes_before_the_documents_are_durable(
        self, company: Company, runner: Runner, feeds: Feeds
    ) -> None:
        a = str(uuid4())
        load = feeds.run(
            runner.state("first"),
            feeds.header(a),
            runner.state("second"),
            feeds.line(reference=a),
            runner.state("third"),
        )
        assert load.states == ["first", "end"]
        assert quantities(company, a) == [1]

    def test_a_schema_of_lines_may_come_after_the_headers(
        self, company: Company, runner: Runner, feeds: Feeds
    ) -> None:
        a = str(uuid4())
        load = runner.run(
            [
                schema(HEADERS),
                feeds.header(a),
                runner.state("headers"),
                schema(LINES),
                feeds.line(2, reference=a),
                runner.state("end"),
            ]
        )
        assert load.states == ["end"]
        assert quantities(company, a) == [2]

    def test_a_whole_document_is_written_at_once(
        self, company: Company, runner: Runner, feeds: Feeds
    ) -> None:
        a, b = str(uuid4()), str(uuid4())
        load = feeds.run(
            runner.record(company.invoice(a), HEADERS),
            runner.state("whole"),
            feeds.header(b),
            feeds.line(reference=b),
        )
        assert load.states == ["whole", "end"]
        assert load.outcomes == [(a, "created"), (b, "created")]

    def test_a_header_without_lines_is_rejected_and_the_others_go_on(
        self, company: Company, feeds: Feeds
    ) -> None:
        a, b = str(uuid4()), str(uuid4())
        load = feeds.run(feeds.header(a), feeds.header(b), feeds.line(reference=b))
        assert dict(load.outcomes) == {a: "rejected", b: "created"}
        assert "no line of it came in stream sales_invoice_lines" in str(load.reasons[0])
        assert isinstance(load.error, RecordsRejected)
        assert load.states == ["end"]
        assert company.invoices(a) == []

    def test_lines_without_a_header_are_rejected(self, company: Company, feeds: Feeds) -> None:
        a, b, key = str(uuid4()), str(uuid4()), str(uuid4())
        load = feeds.run(
            feeds.header(a),
            feeds.line(reference=a),
            feeds.line(reference=b),
            feeds.line(InvoiceID=key),
            feeds.line(),
        )
        assert [outcome for _, outcome in load.outcomes].count("rejected") == 3
        reasons = "\n".join(filter(None, load.reasons))
        assert f"no header with the reference {b} came" in reasons
        assert f"no header with InvoiceID {key} came" in reasons
        assert "they name no document: give them InvoiceID or a column reference" in reasons
        assert "3 of 4 records were rejected" in str(load.error)
        assert quantities(company, a) == [1]

    def test_a_record_that_comes_twice_counts_once(self, company: Company, feeds: Feeds) -> None:
        a = str(uuid4())
        load = feeds.run(
            feeds.header(a),
            feeds.line(1, reference=a, ID=str(uuid4())),
            feeds.line(2, reference=a, ID="8a3e1f6e-0000-4000-8000-000000000001"),
            feeds.line(5, reference=a, ID="8a3e1f6e-0000-4000-8000-000000000001"),
            keys=("ID",),
        )
        assert load.error is None
        assert quantities(company, a) == [1, 5]

    def test_a_key_that_is_that_of_the_document_is_refused(self, feeds: Feeds) -> None:
        load = feeds.run(keys=("InvoiceID",))
        assert "its key (InvoiceID) identifies a whole document" in str(load.error)

    def test_a_deleted_line_is_left_out(
        self, company: Company, feeds: Feeds, caplog: pytest.LogCaptureFixture
    ) -> None:
        a, first, gone = (str(uuid4()) for _ in "abc")
        load = feeds.run(
            feeds.header(a),
            feeds.line(1, reference=a, ID=first),
            feeds.line(2, reference=a, ID=gone),
            feeds.line(reference=a, ID=gone, _sdc_deleted_at="2026-06-25T08:00:00Z"),
            feeds.line(ID=str(uuid4()), _sdc_deleted_at="2026-06-25T08:00:00Z"),
            keys=("ID",),
        )
        assert load.outcomes == [(a, "created")]
        assert quantities(company, a) == [1]
        assert "1 deleted lines were left out" in caplog.text

    def test_decimals_keep_their_digits(self, company: Company, feeds: Feeds) -> None:
        a = str(uuid4())
        message = feeds.line(2, reference=a, NetPrice=0.1)
        assert feeds.run(feeds.header(a, Discount=0.05), message).error is None
        (invoice,) = company.invoices(a)
        assert [row["NetPrice"] for row in company.lines(invoice["InvoiceID"])] == [0.1]

    def test_a_second_load_finds_all_unchanged(self, company: Company, feeds: Feeds) -> None:
        a = str(uuid4())
        messages = [feeds.header(a), feeds.line(1, reference=a), feeds.line(2, reference=a)]
        feeds.run(*messages)
        company.server.control.reset_calls()
        assert feeds.run(*messages).outcomes == [(a, "unchanged")]
        assert company.calls("POST") == 0

    def test_at_the_daily_limit_the_rest_is_left_for_the_next_run(
        self,
        company: Company,
        runner: Runner,
        feeds: Feeds,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        runner.settings["division"] = company.division
        references = [str(uuid4()) for _ in range(4)]
        messages = [
            message
            for reference in references
            for message in (feeds.header(reference), feeds.line(reference=reference))
        ]
        company.server.control.limits(division=company.division, leave_today=3)
        load = feeds.run(*messages, batch_size_rows=1)
        assert load.error is None
        assert load.states == []
        written = len(load.results)
        assert 0 < written < 4
        assert f"{4 - written} records are left for it" in caplog.text
        assert sum(len(company.invoices(reference)) for reference in references) == written


class TestFlatRows:
    @staticmethod
    def run(runner: Runner, *records: Record, keys: tuple[str, ...] = ()) -> Load:
        messages = [runner.record(record, FLAT) for record in records]
        return runner.run([schema(FLAT, *keys), *messages, runner.state("end")], **AS_LINES)

    def test_rows_of_one_reference_are_one_document(self, company: Company, runner: Runner) -> None:
        a, b = str(uuid4()), str(uuid4())
        load = self.run(
            runner,
            flat(company, a, 1, Description="header", line_description="first"),
            flat(company, b, 2),
            flat(company, a, 3, Description=None, line_description="second"),
        )
        assert load.error is None
        assert load.outcomes == [(a, "created"), (b, "created")]
        assert load.states == ["end"]
        assert quantities(company, a) == [1, 3]
        (invoice,) = company.invoices(a)
        assert invoice["Description"] == "header"
        lines = company.lines(invoice["InvoiceID"])
        assert {row["Description"] for row in lines} == {"first", "second"}

    def test_rows_that_differ_in_the_header_are_rejected(
        self, company: Company, runner: Runner
    ) -> None:
        a = str(uuid4())
        rows = [flat(company, a, 1, Description="one"), flat(company, a, 2, Description="other")]
        load = self.run(runner, *rows)
        assert load.outcomes == [(a, "rejected")]
        assert "its rows differ in Description, of which a document has one" in str(load.reasons)
        assert "other" not in str(load.reasons)
        assert company.invoices(a) == []

    def test_a_line_number_orders_them_and_is_not_sent(
        self, company: Company, runner: Runner
    ) -> None:
        a = str(uuid4())
        rows = [flat(company, a, number, LineNumber=number) for number in (3, 1, 2)]
        assert self.run(runner, *rows).error is None
        assert quantities(company, a) == [1, 2, 3]

    def test_a_row_without_a_line_is_no_line(self, company: Company, runner: Runner) -> None:
        a = str(uuid4())
        load = self.run(runner, {**header(company, a), "Item": None, "Quantity": None})
        assert load.outcomes == [(a, "rejected")]
        assert "SalesInvoiceLines is missing" in str(load.reasons)

    def test_rows_without_a_reference_are_rejected_one_by_one(
        self, company: Company, runner: Runner
    ) -> None:
        load = self.run(runner, flat(company, "", 1), flat(company, "", 2))
        assert [outcome for _, outcome in load.outcomes] == ["rejected"] * 2

    def test_the_same_row_twice_is_one_line(self, company: Company, runner: Runner) -> None:
        a, key = str(uuid4()), str(uuid4())
        rows = [flat(company, a, 1, ID=key), flat(company, a, 2, ID=key)]
        assert self.run(runner, *rows, keys=("ID",)).error is None
        assert quantities(company, a) == [2]

    def test_a_key_that_is_that_of_the_document_is_refused(self, runner: Runner) -> None:
        load = self.run(runner, keys=("your_ref",))
        assert "Stream 'billing' has lines of sales_invoices" in str(load.error)

    def test_a_whole_document_among_them_is_written_as_it_is(
        self, company: Company, runner: Runner
    ) -> None:
        a = str(uuid4())
        assert self.run(runner, company.invoice(a)).outcomes == [(a, "created")]


def test_many_lines_take_little_room() -> None:
    feed = stream_config.map_stream(LINES, {}, "YourRef")
    gathering = DocumentBuffer({}, "YourRef", lambda: ZoneInfo("Europe/Amsterdam"))
    gathering.expect(feed, ("Division", "ID"))
    number = 500
    invoice = str(uuid4())

    def row(position: int) -> Record:
        guids = {name: str(uuid4()) for name in ("ID", "Item", "GLAccount", "TaxSchedule")}
        texts = {f"Text{index}": f"text {index} of line {position}" for index in range(20)}
        amounts = {f"Amount{index}": Decimal(position) / 4 for index in range(10)}
        return {"Division": 1, "InvoiceID": invoice, **guids, **texts, **amounts, "Notes": None}

    tracemalloc.start()
    for position in range(number):
        gathering.take(feed, ("Division", "ID"), row(position))
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used / number < 1_500


def read_by_the_tap(settings: Record) -> list[Message]:
    """What the tap sends of all invoices and their lines."""
    collector = Collector()
    wanted = catalog((HEADERS, LINES), None, settings)
    tap = TapExactOnline(config=settings, catalog=wanted, message_writer=collector)
    tap.sync_all()
    tap.connection.close()
    found: list[Message] = json.loads(json.dumps(collector.messages, default=str))
    return found


def test_what_the_tap_reads_goes_together_again(company: Company, runner: Runner) -> None:
    runner.settings["division"] = company.division
    invoices = company.server.control.truth(company.division, "sales_invoices")
    settings = {name: value for name, value in runner.settings.items() if name != "division"}
    messages = read_by_the_tap({**settings, "divisions": [company.division]})
    known = {row["InvoiceID"] for row in invoices if str(row["YourRef"]).startswith("PO-")}
    # As if another division had been read, whose customers and items are known here too.
    foreign = {"Division": 4711, "Document": None, "GLAccount": None}
    copies = []
    for message in messages:
        if message["type"] == "SCHEMA":
            copies.append(message)
        elif message["type"] == "RECORD" and message["record"]["InvoiceID"] in known:
            record = {**message["record"], **foreign}
            if message["stream"] == HEADERS:
                record["YourRef"] = f"copy {record['YourRef']}"
            copies.append(runner.record(record, message["stream"]))
    load = runner.run(copies)
    assert load.error is None, load.reasons
    assert {outcome for _, outcome in load.outcomes} == {"created"}
    assert len(load.outcomes) == len(known)
    for invoice in invoices:
        if invoice["InvoiceID"] in known:
            (copy,) = company.invoices(f"copy {invoice['YourRef']}")
            before, after = company.lines(invoice["InvoiceID"]), company.lines(copy["InvoiceID"])
            assert [(row["Item"], row["Quantity"], row["NetPrice"]) for row in after] == [
                (row["Item"], row["Quantity"], row["NetPrice"]) for row in before
            ]


def test_what_was_put_together_stays_so_when_it_is_sent_again(
    company: Company, runner: Runner
) -> None:
    lines = [
        {"Item": item, "Quantity": 1, "NetPrice": 1 + number}
        for number, item in enumerate(company.items[:2])
    ]
    runner.load(company.invoice("ASM-1", SalesInvoiceLines=lines))
    (invoice,) = company.invoices("ASM-1")
    header = {"YourRef": "ASM-1", "OrderedBy": company.customer, "Description": "new"}
    line = {"reference": "ASM-1", **lines[0]}
    orphan = {"reference": "ASM-2", **lines[0]}
    messages = [
        runner.schema(),
        runner.schema("sales_invoice_lines"),
        runner.record(header),
        runner.record(line, "sales_invoice_lines"),
        runner.record(orphan, "sales_invoice_lines"),
    ]
    first = runner.run(messages, load_method="upsert")
    assert [outcome for _, outcome in first.outcomes] == ["rejected", "rejected"]
    with closing(Store(runner.settings["store_url"])) as store:
        apps = [account.app_key for account in connections.load(store)]
        wanted = Wanted(apps, company.division, None, UNFINISHED, None)
        kept = [(stream, json.loads(text)) for stream, _, text in unfinished(store, wanted)]
    assert len(kept) == 2
    again = runner.run(
        [runner.schema(), *(runner.record(record, stream) for stream, record in kept)],
        load_method="upsert",
    )
    assert again.outcomes == first.outcomes
    assert len(company.lines(invoice["InvoiceID"])) == 2
