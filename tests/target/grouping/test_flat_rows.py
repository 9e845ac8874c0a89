"""Flat rows as spreadsheets and databases give them: keys that are empty, values in other forms."""

from __future__ import annotations

import json
from contextlib import closing
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from exactonline_client import connections
from exactonline_client.store.postings import UNFINISHED, Wanted, unfinished
from exactonline_client.store.store import Store
from target_exactonline import stream_config
from target_exactonline.grouping.buffer import DocumentBuffer

if TYPE_CHECKING:
    from target_exactonline.grouping.header_lines import Assembled
    from tests.target.conftest import Company, Load, Record, Runner

FLAT = {"streams": {"web": {"entity": "sales_invoices", "rows": "lines"}}}
AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def put_together(*rows: Record, keys: tuple[str, ...] = (), stream: str = "web") -> list[Assembled]:
    """The documents of rows, without the rest of the target."""
    chosen = stream_config.parse_setting(FLAT["streams"])
    feed = stream_config.map_stream(stream, chosen, "YourRef")
    gathering = DocumentBuffer(chosen, "YourRef", lambda: AMSTERDAM)
    gathering.expect(feed, keys)
    for row in rows:
        assert gathering.take(feed, keys, row)
    return [document for _, document in gathering.documents()]


def quantities(*rows: Record, keys: tuple[str, ...]) -> list[Any]:
    """Those of the lines of the one document of rows."""
    (document,) = put_together(*rows, keys=keys)
    assert not document.problems
    return [line["quantity"] for line in document["SalesInvoiceLines"]]


def row(quantity: object = 1, **fields: Any) -> Record:
    return {"your_ref": "F-1", "quantity": quantity, **fields}


EMPTY = [None, "", "  ", "\u00a0"]


@pytest.mark.parametrize("key", EMPTY)
def test_a_row_without_its_key_replaces_no_other(key: str | None) -> None:
    rows = [row(quantity=1, line_number=1), *(row(quantity=n, line_number=key) for n in (2, 3))]
    assert quantities(*rows, keys=("your_ref", "line_number")) == [1, 2, 3]
    assert quantities(*rows, keys=("line_number",)) == [1, 2, 3]


@pytest.mark.parametrize("mark", ["", "2026-06-25"])
def test_a_later_row_takes_the_place_of_a_mark_too(mark: str) -> None:
    keyed = {"line_number": 1, "quantity": 1}
    rows = [row(**keyed, _sdc_deleted_at="yes"), row(**keyed, _sdc_deleted_at=mark), row(2)]
    (document,) = put_together(*rows, keys=("your_ref", "line_number"))
    assert "_sdc_deleted_at" not in document
    assert len(document["SalesInvoiceLines"]) == (1 if mark else 2)


def test_a_row_that_lacks_a_column_of_its_key_replaces_no_other() -> None:
    rows = [row(quantity=number) for number in (1, 2)]
    assert quantities(*rows, keys=("your_ref", "line_number")) == [1, 2]


@pytest.mark.parametrize("key", EMPTY)
def test_a_line_without_its_key_replaces_no_other(key: str | None) -> None:
    feed = stream_config.map_stream("sales_invoice_lines", {}, "YourRef")
    gathering = DocumentBuffer({}, "YourRef", lambda: AMSTERDAM)
    gathering.expect(feed, ("nr",))
    for number in (1, 2):
        gathering.take(feed, ("nr",), {"reference": "F-1", "Quantity": number, "nr": key})
    ((_, document),) = gathering.documents()
    assert len(document["SalesInvoiceLines"]) == 2


@pytest.mark.parametrize(
    ("column", "one", "other"),
    [
        ("line_number", 1, "1 "),
        ("line_number", "1", 1.0),
        ("line_number", "01", Decimal("1.00")),
        ("nr", 7, "7"),
        ("nr", 7.0, " 7"),
        ("nr", "a", "a "),
        ("id", "9B5D4B2E-0F4F-4B7E-8D51-2F6A1C8E7D10", "{9b5d4b2e-0f4f-4b7e-8d51-2f6a1c8e7d10}"),
        ("delivery_date", "2026-06-25", "2026-06-25T00:00:00"),
    ],
)
def test_keys_are_compared_as_what_they_are(column: str, one: object, other: object) -> None:
    rows = [row(quantity=1, **{column: one}), row(quantity=2, **{column: other})]
    assert quantities(*rows, keys=("your_ref", column)) == [2]


@pytest.mark.parametrize(
    ("column", "one", "other"),
    [
        ("nr", "1", "01"),
        ("nr", "a", "A"),
        ("nr", 2**64, 2**64 + 1),
        ("nr", True, 1),
        ("nr", Decimal("1e999999"), Decimal("1e999998")),
        ("nr", 10**40, 10**40 + 1),
        ("line_number", "1a", "1b"),
        ("delivery_date", "2026-06-25T10:00:00", "2026-06-25T11:00:00"),
    ],
)
def test_keys_that_differ_are_rows_of_their_own(column: str, one: object, other: object) -> None:
    rows = [row(quantity=1, **{column: one}), row(quantity=2, **{column: other})]
    assert len(quantities(*rows, keys=("your_ref", column))) == 2


def test_a_deleted_row_without_its_key_takes_no_other_with_it() -> None:
    gone = row(quantity=3, line_number="", _sdc_deleted_at="2026-06-25")
    rows = [row(quantity=1, line_number=None), row(quantity=2, line_number=""), gone]
    assert quantities(*rows, keys=("your_ref", "line_number")) == [1, 2]


@pytest.mark.parametrize(
    ("column", "one", "other"),
    [
        ("ordered_by", "10000", "10000 "),
        ("ordered_by", "10000", 10000),
        ("ordered_by", 10000.0, "10000"),
        ("ordered_by", "9B5D4B2E-0F4F-4B7E-8D51-2F6A1C8E7D10",
         "{9b5d4b2e-0f4f-4b7e-8d51-2f6a1c8e7d10}"),
        ("order_date", "2026-06-25", "2026-06-25T00:00:00"),
        ("order_date", "2026-06-25", "2026-06-25 00:00:00+00"),
        ("order_date", "2026-06-25", "2026-06-24T22:00:00.000Z"),
        ("type", 8020, "8020.0"),
        ("is_extra_duty", "true", 1),
        ("payment_condition", "30 ", "30"),
        ("your_ref", "F-1", "F-1 "),
        ("shop", 1, "1.0 ".strip()[:1]),
    ],
)  # fmt: skip
def test_a_header_is_compared_by_the_types_of_its_columns(
    column: str, one: object, other: object
) -> None:
    rows = [row(**{column: one}), row(quantity=2, **{column: other})]
    (document,) = put_together(*rows)
    assert not document.problems
    assert document[column] == one


@pytest.mark.parametrize(
    ("column", "one", "other"),
    [
        ("ordered_by", "10000", "010000"),
        ("order_date", "2026-06-25", "2026-06-26"),
        ("order_date", "2026-06-25", "2026-06-25T23:00:00Z"),
        ("description", "a", "A"),
        ("type", 8020, 8021),
        ("type", 8020, "none"),
    ],
)
def test_a_header_that_differs_is_a_problem(column: str, one: object, other: object) -> None:
    (document,) = put_together(row(**{column: one}), row(**{column: other}))
    assert document.problems == [f"its rows differ in {column}, of which a document has one"]


@pytest.mark.parametrize("empty", EMPTY)
def test_an_empty_column_says_nothing(empty: str | None) -> None:
    names = ("ordered_by", "order_date", "type", "description", "reference")
    blanks: Record = dict.fromkeys(names, empty)
    rows = [
        row(**blanks),
        row(ordered_by="10000", order_date="2026-06-25", type=8020, description="x", quantity=2),
        row(**blanks, quantity=3),
    ]
    (document,) = put_together(*rows)
    assert not document.problems
    assert document["description"] == "x"
    assert document["type"] == 8020
    assert len(document["SalesInvoiceLines"]) == 3


@pytest.mark.parametrize("empty", EMPTY)
def test_a_row_of_empty_columns_is_no_line(empty: str | None) -> None:
    (document,) = put_together(row(quantity=1), {"your_ref": "F-1", "quantity": empty, "item": ""})
    assert [line["quantity"] for line in document["SalesInvoiceLines"]] == [1]


@pytest.mark.parametrize("empty", EMPTY)
def test_an_empty_column_hides_no_other_of_its_meaning(empty: str | None) -> None:
    (document,) = put_together(row(item="A-1", line_item=empty))
    assert document["SalesInvoiceLines"] == [{"quantity": 1, "item": "A-1"}]


@pytest.mark.parametrize("empty", EMPTY)
def test_the_reference_is_the_first_that_is_not_empty(empty: str | None) -> None:
    rows = [
        {"your_ref": empty, "reference": "F-1", "quantity": 1},
        {"your_ref": "F-1 ", "reference": empty, "quantity": 2},
    ]
    (document,) = put_together(*rows)
    assert len(document["SalesInvoiceLines"]) == 2


def test_a_number_is_the_same_reference_as_its_text() -> None:
    (document,) = put_together(*({"your_ref": ref, "quantity": 1} for ref in (17, "17", 17.0)))
    assert len(document["SalesInvoiceLines"]) == 3


@pytest.mark.parametrize("empty", EMPTY)
def test_an_empty_collection_is_no_document(empty: str | None) -> None:
    (document,) = put_together(row(sales_invoice_lines=empty), row(quantity=2))
    assert len(document["SalesInvoiceLines"]) == 2


class TestLoaded:
    """The same, seen at Exact Online."""

    @staticmethod
    def load(runner: Runner, *rows: Record, keys: tuple[str, ...] = ()) -> Load:
        schema = {**runner.schema("web"), "key_properties": list(keys)}
        return runner.run([schema, *(runner.record(one, "web") for one in rows)], **FLAT)

    @staticmethod
    def row(company: Company, reference: str, price: object = 1, **fields: Any) -> Record:
        item = {"item": company.items[0], "quantity": 1, "net_price": price}
        return {"your_ref": reference, "ordered_by": company.customer, **item, **fields}

    def test_no_line_is_lost_for_want_of_a_key(self, company: Company, runner: Runner) -> None:
        reference = str(uuid4())
        numbers = zip((1, None, None), (10, 5, 7), strict=True)
        rows = [self.row(company, reference, price, line_number=n) for n, price in numbers]
        load = self.load(runner, *rows, keys=("your_ref", "line_number"))
        assert load.outcomes == [(reference, "created")]
        (invoice,) = company.invoices(reference)
        assert sum(line["NetPrice"] for line in company.lines(invoice["InvoiceID"])) == 22

    def test_empty_columns_of_a_further_row(self, company: Company, runner: Runner) -> None:
        reference = str(uuid4())
        first = self.row(company, reference, "12.50", description="Order 9", order_date="")
        second = self.row(company, reference, "", description="", ordered_by="")
        load = self.load(runner, first, second)
        assert load.outcomes == [(reference, "created")]
        (invoice,) = company.invoices(reference)
        assert invoice["Description"] == "Order 9"
        assert len(company.lines(invoice["InvoiceID"])) == 2

    def test_rows_that_differ_have_one_reason_and_their_reference(
        self, company: Company, runner: Runner
    ) -> None:
        reference = str(uuid4())
        rows = [self.row(company, reference, description=text) for text in "AB"]
        load = self.load(runner, *rows)
        assert load.outcomes == [(reference, "rejected")]
        assert load.reasons == ["its rows differ in description, of which a document has one"]

    def test_rows_that_differ_in_what_is_required(self, company: Company, runner: Runner) -> None:
        reference = str(uuid4())
        rows = [self.row(company, reference, ordered_by=code) for code in ("10000", "10001")]
        load = self.load(runner, *rows)
        assert load.outcomes == [(reference, "rejected")]
        assert load.reasons == ["its rows differ in ordered_by, of which a document has one"]

    def test_rows_that_differ_do_so_when_they_are_sent_again(
        self, company: Company, runner: Runner
    ) -> None:
        reference = str(uuid4())
        rows = [self.row(company, reference, description=text) for text in "AB"]
        load = self.load(runner, *rows)
        with closing(Store(runner.settings["store_url"])) as store:
            apps = [account.app_key for account in connections.load(store)]
            wanted = Wanted(apps, company.division, None, UNFINISHED, None)
            ((stream, _, kept),) = unfinished(store, wanted)
        messages = [runner.schema(stream), runner.record(json.loads(kept), stream)]
        again = runner.run(messages, **FLAT)
        assert (again.outcomes, again.reasons) == (load.outcomes, load.reasons)
        assert company.invoices(reference) == []

    def test_the_same_values_in_other_forms(self, company: Company, runner: Runner) -> None:
        reference, other = str(uuid4()), {"ordered_by": f"{company.customer.upper()} "}
        load = self.load(
            runner,
            self.row(company, reference, order_date="2026-06-25"),
            self.row(company, f"{reference} ", order_date="2026-06-25T00:00:00", **other),
        )
        assert load.outcomes == [(reference, "created")]
