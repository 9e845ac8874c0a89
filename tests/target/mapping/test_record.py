"""Records become bodies, or a list of everything that is wrong with them."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exactonline_client import catalogue
from target_exactonline.mapping.model import Document
from target_exactonline.mapping.prepare import PrepareOptions, preparer
from target_exactonline.mapping.record import MappingOptions, map_record
from target_exactonline.schema import entities
from target_exactonline.schema.fields import shape_of
from target_exactonline.schema.values import EXPECTED

CUSTOMER = "a0b1c2d3-0000-4000-8000-00000000000a"
ITEM = "a0b1c2d3-0000-4000-8000-00000000000b"
AMSTERDAM = ZoneInfo("Europe/Amsterdam")
INVOICES = entities.find("sales_invoices")
DIVISION = 1
PREPARE = preparer(INVOICES, PrepareOptions(), AMSTERDAM, DIVISION)


def invoice(**fields: Any) -> dict[str, Any]:
    line = {"Item": ITEM, "Quantity": 2, "NetPrice": 12.5}
    return {"YourRef": "W-1", "OrderedBy": CUSTOMER, "SalesInvoiceLines": [line], **fields}


def body(record: dict[str, Any]) -> dict[str, Any]:
    document = PREPARE(record)
    assert document.problems == []
    shaped: dict[str, Any] = json.loads(document.body(), parse_float=Decimal)
    return shaped


def problems(record: dict[str, Any]) -> list[str]:
    document = PREPARE(record)
    assert document.payload_hash == ""
    return document.problems


def test_exact_names_pass_through() -> None:
    assert body(invoice(Description="Hello, 'world'")) == {
        "YourRef": "W-1",
        "OrderedBy": CUSTOMER,
        "Description": "Hello, 'world'",
        "SalesInvoiceLines": [{"Item": ITEM, "Quantity": 2, "NetPrice": Decimal("12.5")}],
    }


def test_names_of_databases_and_json_text_mean_the_same() -> None:
    record = {
        "your_ref": "W-1",
        "orderedby": CUSTOMER.upper(),
        "SALES_INVOICE_LINES": json.dumps(
            [{"item": f"{{{ITEM}}}", "quantity": "2", "net_price": 12.50, "gl_account": None}]
        ),
        "_sdc_extracted_at": "2026-06-25T10:00:00Z",
        "remarks": None,
    }
    assert PREPARE(record).fields == PREPARE(invoice()).fields


def test_order_and_spelling_of_equal_values_do_not_change_the_hash() -> None:
    record = invoice(OrderDate="2026-06-25", Discount="0.10")
    other = dict(reversed(invoice(Discount=Decimal("0.1"), order_date="2026-06-25").items()))
    assert PREPARE(record).payload_hash == PREPARE(other).payload_hash != ""
    assert PREPARE(record).payload_hash != PREPARE(invoice()).payload_hash


def test_everything_that_is_wrong_is_said_at_once() -> None:
    record = {
        "Yourref": "  ",
        "Remark": "x",
        "InvoiceNumber": 7,
        "OrderDate": "tomorrow",
        "order_date": "2026-06-25",
        "SalesInvoiceLines": [
            {"Item": [], "Quantity": True, "ItemBarcode": "8710", "VATCode": "high"}
        ],
    }
    assert problems(record) == [
        "YourRef is empty",
        "OrderedBy is missing",
        "'Remark' is not a field of SalesInvoices (similar: Remarks)",
        "InvoiceNumber is read-only (similar: OrderNumber, InvoiceDate, InvoiceTo)",
        f"OrderDate should be {EXPECTED['Edm.DateTime']}, but is 'tomorrow'",
        "OrderDate is given twice",
        "SalesInvoiceLines[1].Item should be a code or name, but is a list",
        "SalesInvoiceLines[1].Quantity should be a number, but is true or false",
        (
            "SalesInvoiceLines[1].'ItemBarcode' is not a field of SalesInvoiceLines (similar: "
            "Item, UnitCode)"
        ),
        "SalesInvoiceLines[1].VATCode is longer than 3 characters",
    ]


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ([], "should hold at least one line, but is empty"),
        ("[", "should be a list of objects, but is text that is not JSON"),
        ("{}", "should be a list of objects, but is an object"),
        ({"Item": ITEM}, "should be a list of objects, but is an object"),
        (["x"], "should be a list of objects, but holds something else"),
        (3, "should be a list of objects, but is another number"),
    ],
)
def test_lines_must_be_a_list_of_objects(lines: Any, problem: str) -> None:
    assert problems(invoice(SalesInvoiceLines=lines)) == [f"SalesInvoiceLines {problem}"]


def test_an_empty_record_lacks_what_is_required() -> None:
    assert problems({}) == [
        "YourRef is missing",
        "OrderedBy is missing",
        "SalesInvoiceLines is missing",
    ]


@pytest.mark.parametrize(
    ("number", "sent"),
    [
        (Decimal("0.1"), "0.1"),
        (Decimal("1234567.89"), "1234567.89"),
        (Decimal("0.30000000000000004"), "0.30000000000000004"),
        (0.1, "0.1"),
        ("19.990", "19.99"),
        (" -3 ", "-3"),
        ("1e3", "1000"),
        (Decimal("100.00"), "100"),
        (Decimal("-0"), "0"),
        (2**60, "1152921504606846976"),
    ],
)
def test_numbers_reach_the_wire_with_their_own_digits(number: Any, sent: str) -> None:
    assert f'"AmountDiscount":{sent},'.encode() in PREPARE(invoice(AmountDiscount=number)).body()


@pytest.mark.parametrize("number", ["1,5", "1_000", "NaN", Decimal("inf"), "1e999", [], True])
def test_what_is_no_number_is_refused(number: Any) -> None:
    (problem,) = problems(invoice(AmountDiscount=number))
    assert problem.startswith("AmountDiscount should be a number, but is ")


@pytest.mark.parametrize("number", ["12,5", "1,234", "1,234.50", "1.234,50", " -1 234,5 "])
def test_a_number_with_a_comma_is_not_guessed(number: str) -> None:
    (problem,) = problems(invoice(AmountDiscount=number))
    assert "may part thousands or decimals (1,234 is 1234 or 1.234)" in problem
    assert number.strip() not in problem.replace("1,234 is", "")


@pytest.mark.parametrize(
    "day", ["02-11-2026", "2/11/2026", "25.06.2026", "02-11-26", "02/11/2026 10:00"]
)
def test_a_date_that_begins_with_its_day_or_month_is_not_guessed(day: str) -> None:
    (problem,) = problems(invoice(OrderDate=day))
    assert "(02/11/2026 is 2 November or 11 February)" in problem


EMPTY = ["", "  ", "\u00a0", None]


@pytest.mark.parametrize("empty", EMPTY)
def test_an_empty_text_is_no_value_but_in_a_text(empty: str | None) -> None:
    line = {"VATCode": "", "GLAccountCode": empty, "Discount": empty, "CostCenter": empty}
    record = invoice(
        OrderDate=empty,
        Type=empty,
        Discount=empty,
        IsExtraDuty=empty,
        DeliverTo=empty,
        InvoiceID=empty,
        WarehouseCode=empty,
        Currency=empty,
        PaymentCondition=empty,
        AmountFC=empty,
        OrderedByName=empty,
        Division=empty,
        Nonsense=empty,
        attachments=empty,
        attachment_path=empty,
    )
    record["SalesInvoiceLines"][0] |= line
    assert PREPARE(record).problems == []
    assert PREPARE(record).payload_hash == PREPARE(invoice()).payload_hash
    assert PREPARE(invoice(Description=empty)).fields.get("Description") == empty


@pytest.mark.parametrize("empty", EMPTY)
def test_what_is_required_and_empty_is_missing(empty: str | None) -> None:
    assert problems(invoice(OrderedBy=empty)) == ["OrderedBy is missing"]
    assert problems(invoice(SalesInvoiceLines=empty)) == ["SalesInvoiceLines is missing"]
    lines = [{"Item": empty, "Quantity": empty}]
    assert problems(invoice(SalesInvoiceLines=lines)) == ["SalesInvoiceLines[1].Item is missing"]
    prepare = preparer(entities.find("accounts"), PrepareOptions(), AMSTERDAM, DIVISION)
    assert prepare({"Code": "1", "Name": empty}).problems == ["Name is missing"]


@pytest.mark.parametrize("empty", EMPTY)
def test_an_empty_text_clears_where_a_null_does(empty: str | None) -> None:
    prepare = preparer(INVOICES, PrepareOptions(nulls="clear"), AMSTERDAM, DIVISION)
    fields = prepare(invoice(OrderDate=empty, Currency=empty, Discount=empty)).fields
    assert [fields[name] for name in ("OrderDate", "Currency", "Discount")] == [None] * 3


@pytest.mark.parametrize("empty", EMPTY)
def test_an_empty_reference_leaves_room_for_the_other(empty: str | None) -> None:
    assert PREPARE(invoice(YourRef=empty, reference="R-1")).reference == "R-1"
    assert PREPARE(invoice(YourRef="R-1", reference=empty)).reference == "R-1"


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("OrderDate", "2026-06-25", "2026-06-25T00:00:00"),
        ("Discount", "0.10", 0.1),
        ("Type", "8020", 8020.0),
        ("IsExtraDuty", "1.0", True),
        ("OrderedBy", "10000 ", 10000),
        ("PaymentCondition", "30 ", 30),
        ("Description", "x ", "x"),
        ("YourRef", "W-1 ", "W-1"),
        ("Division", "1.0", 1),
    ],
)
def test_values_in_other_forms_are_the_same_document(name: str, one: Any, other: Any) -> None:
    first, second = PREPARE(invoice(**{name: one})), PREPARE(invoice(**{name: other}))
    assert first.problems == second.problems == []
    assert (first.payload_hash, first.local) == (second.payload_hash, second.local)


@pytest.mark.parametrize(
    ("given_date", "sent"),
    [
        ("2026-06-25", "2026-06-25"),
        ("2026-06-25T00:00:00Z", "2026-06-25"),
        ("2026-06-24T22:00:00Z", "2026-06-25"),
        ("2026-06-25T00:00:00-05:00", "2026-06-25"),
        ("2026-06-25 23:30:00", "2026-06-25"),
        ("2026-06-25T23:30:00.5+00:00", "2026-06-26"),
        (date(2026, 6, 25), "2026-06-25"),
        (datetime(2026, 6, 24, 22, tzinfo=timezone.utc), "2026-06-25"),
        (datetime(2026, 6, 25, tzinfo=timezone(timedelta(hours=9))), "2026-06-25"),
    ],
)
def test_a_day_stays_the_day_it_is(given_date: Any, sent: str) -> None:
    assert body(invoice(OrderDate=given_date))["OrderDate"] == sent


@pytest.mark.parametrize(
    ("moment", "sent"),
    [
        ("2026-06-25T10:00:00Z", "2026-06-25T12:00:00.000"),
        ("2026-01-25T10:00:00+00:00", "2026-01-25T11:00:00.000"),
        ("2026-06-25T10:00:00", "2026-06-25T10:00:00.000"),
        ("2026-06-25", "2026-06-25T00:00:00.000"),
        ("2026-06-25 00:00", "2026-06-25T00:00:00.000"),
    ],
)
def test_a_moment_is_sent_on_the_clock_of_the_server(moment: str, sent: str) -> None:
    endpoint = _with_instant()
    item = next(item for item in endpoint.columns.values() if item.post and item.date == "instant")
    found = map_record(shape_of(endpoint.id), {item.name: moment}, MappingOptions(AMSTERDAM))
    assert found.fields == {item.name: sent}


def _with_instant() -> catalogue.Endpoint:
    return next(
        endpoint
        for endpoint in catalogue.load().endpoints.values()
        if any(item.post and item.date == "instant" for item in endpoint.columns.values())
    )


@pytest.mark.parametrize(
    ("reference", "problem"),
    [
        ("", "YourRef is empty"),
        ("a\nb", "YourRef holds characters that cannot be searched for"),
        ("x" * 201, "YourRef is longer than 200 characters"),
        (1.5, "YourRef should be text, but is another number"),
    ],
)
def test_a_reference_must_be_one_that_can_be_searched_for(reference: Any, problem: str) -> None:
    document = PREPARE(invoice(YourRef=reference))
    assert document.problems == [problem]
    assert document.reference is None


def test_a_number_will_do_as_a_reference() -> None:
    assert PREPARE(invoice(YourRef=2026001)).reference == "2026001"
    assert PREPARE(invoice(YourRef=Decimal("2026001.0"))).reference == "2026001"


def test_another_reference_field_is_required_in_its_place() -> None:
    prepare = preparer(INVOICES, PrepareOptions("Description"), AMSTERDAM, DIVISION)
    assert prepare(invoice()).problems == ["Description is missing"]
    assert prepare(invoice(Description="D-1")).reference == "D-1"


def test_every_writable_property_of_the_api_has_a_type_that_can_be_sent() -> None:
    types = {
        item.type
        for endpoint in catalogue.load().endpoints.values()
        for item in endpoint.columns.values()
        if item.post
    }
    assert types == EXPECTED.keys()


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.decimals() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = sorted(INVOICES.endpoint.properties)
LINE_FIELDS = sorted(catalogue.load().endpoints["salesinvoice/SalesInvoiceLines"].properties)


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from(FIELDS) | st.text(), ODD, max_size=6),
    st.lists(st.dictionaries(st.sampled_from(LINE_FIELDS) | st.text(), ODD), max_size=2) | ODD,
)
def test_odd_records_are_shaped_or_refused_in_words(record: dict[str, Any], lines: Any) -> None:
    document = PREPARE({**invoice(), **record, "SalesInvoiceLines": lines})
    assert isinstance(document, Document)
    assert bool(document.payload_hash) != bool(document.problems)
    for problem in document.problems:
        assert problem.isprintable()
    if not document.problems:
        json.loads(document.body())


@settings(deadline=None)
@given(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-1e9, max_value=1e9))
def test_money_survives_to_the_last_cent(amount: Decimal) -> None:
    assert body(invoice(AmountDiscount=amount))["AmountDiscount"] == amount
