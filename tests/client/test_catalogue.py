"""The facts of the API as they are packed, and what every reader of them relies on."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from exactonline_client import catalogue
from scripts import catalogue as script

if TYPE_CHECKING:
    from exactonline_client.catalogue import Endpoint, Property, Stream

ROOT = Path(__file__).parents[2]
ENTITIES = os.environ.get("ENTITIES", "")
CATALOGUE = catalogue.load()
STREAMS = list(CATALOGUE.streams.values())
ENDPOINTS = list(CATALOGUE.endpoints.values())
EDM_TYPES = {
    "Edm.Binary",
    "Edm.Boolean",
    "Edm.Byte",
    "Edm.DateTime",
    "Edm.Double",
    "Edm.Guid",
    "Edm.Int16",
    "Edm.Int32",
    "Edm.Int64",
    "Edm.String",
}


def sources(stream: Stream) -> list[Endpoint]:
    """The endpoints that a stream can be read from."""
    ids = (stream.plain, stream.bulk, stream.sync)
    return [CATALOGUE.endpoints[id_] for id_ in ids if id_]


def properties() -> list[tuple[str, Property]]:
    return [(point.id, item) for point in ENDPOINTS for item in point.properties.values()]


def property_of(endpoint: str, name: str) -> Property:
    return CATALOGUE.endpoints[endpoint].properties[name]


@pytest.mark.skipif(
    not ENTITIES,
    reason="the list of endpoint facts is not here; name its file in ENTITIES",
)
def test_the_packed_catalogue_is_what_its_script_makes() -> None:
    ((file, made),) = script.build(Path(ENTITIES)).items()
    assert made == file.read_text(encoding="utf-8"), "run: make catalogue ENTITIES=..."


def test_all_current_endpoints_are_there() -> None:
    kinds = Counter(point.kind for point in ENDPOINTS)
    assert kinds == {"crud": 247, "bulk": 21, "sync": 58, "read": 31, "function": 72}
    assert len(CATALOGUE.endpoints) == 429


def test_facts_name_where_they_are_from() -> None:
    elsewhere = {point.id: point.source for point in ENDPOINTS if point.source != "reference"}
    assert elsewhere == dict.fromkeys(
        ("financialtransaction/Transactions", "read/salesinvoice/InvoiceSalesOrderResult"),
        "clients",
    )
    assert property_of("salesinvoice/InvoiceSalesOrders", "ProcessID").source == "clients"
    assert property_of("salesinvoice/SalesInvoices", "InvoiceDate").source == "recorded"
    named = {item.source for _, item in properties()} | {point.source for point in ENDPOINTS}
    assert named - {None} == set(CATALOGUE.sources)


def test_addresses_belong_to_a_division_but_for_the_user() -> None:
    without = [point.id for point in ENDPOINTS if "{division}" not in point.uri]
    assert without == ["current/Me"]
    assert all(point.uri.startswith("/api/v1/") for point in ENDPOINTS)


def test_streams_have_one_good_name_each() -> None:
    text = (ROOT / "exactonline_client/catalogue.json").read_text(encoding="utf-8")
    names = [stream["name"] for stream in json.loads(text)["streams"]]
    assert len(names) == len(set(names)) == len(STREAMS)
    bad = [name for name in names if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name)]
    assert not bad


def test_well_known_streams_keep_their_names() -> None:
    assert {"sales_invoices", "sales_invoice_lines", "gl_accounts", "transaction_lines", "me"} <= (
        set(CATALOGUE.streams)
    )


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_a_stream_can_be_read_and_its_rows_told_apart(stream: Stream) -> None:
    points = sources(stream)
    assert points
    assert stream.key
    for point in points:
        assert "GET" in point.methods
        assert point.kind != "function"
        assert set(stream.key) <= set(point.columns), point.id


def test_every_endpoint_that_lists_rows_belongs_to_a_stream() -> None:
    read = {point.id for stream in STREAMS for point in sources(stream)}
    listed = {
        point.id for point in ENDPOINTS if "GET" in point.methods and point.kind != "function"
    }
    assert read == listed


@pytest.mark.parametrize(
    "point", [point for point in ENDPOINTS if point.kind == "sync"], ids=lambda point: point.id
)
def test_sync_endpoints_carry_their_cursor(point: Endpoint) -> None:
    assert point.columns["Timestamp"].type == "Edm.Int64"
    assert point.page_size == 1000
    assert point.select_required


def test_feeds_name_the_key_of_header_and_line() -> None:
    feeds = [point for point in ENDPOINTS if point.feed]
    assert [point.id for point in feeds] == [
        "sync/PurchaseOrder/PurchaseOrders",
        "sync/SalesInvoice/SalesInvoices",
    ]
    for point in feeds:
        assert point.feed is not None
        header, line = (CATALOGUE.endpoints[point.feed[part]] for part in ("header", "line"))
        assert {*header.key, *line.key, "LineNumber"} <= set(point.columns)
        assert header.key != line.key


@pytest.mark.parametrize(
    "stream", [stream for stream in STREAMS if stream.parent], ids=lambda stream: stream.name
)
def test_parents_exist_and_are_pointed_at(stream: Stream) -> None:
    assert stream.parent is not None
    assert stream.parent.stream != stream.name
    parent = CATALOGUE.streams[stream.parent.stream]
    assert all(stream.parent.field in point.columns for point in sources(stream))
    if stream.parent.navigation:
        assert parent.plain is not None
        navigation = property_of(parent.plain, stream.parent.navigation)
        assert navigation.navigation
        assert (navigation.entity, navigation.field) == (stream.plain, stream.parent.field)


def test_invoice_lines_belong_to_invoices() -> None:
    parent = CATALOGUE.streams["sales_invoice_lines"].parent
    assert parent == catalogue.Parent("sales_invoices", "InvoiceID", "SalesInvoiceLines")


def test_every_value_has_a_known_type() -> None:
    assert {item.type for _, item in properties() if not item.navigation} == EDM_TYPES


def test_every_date_is_a_moment_or_a_day() -> None:
    for id_, item in properties():
        expected = {"instant", "date"} if item.type == "Edm.DateTime" else {None}
        assert item.date in expected, f"{id_}.{item.name}"


@pytest.mark.parametrize(
    ("endpoint", "name", "kind"),
    [
        ("salesinvoice/SalesInvoices", "Created", "instant"),
        ("salesinvoice/SalesInvoices", "Modified", "instant"),
        ("salesinvoice/SalesInvoices", "InvoiceDate", "date"),
        ("salesinvoice/SalesInvoices", "DueDate", "date"),
        ("sync/Deleted", "DeletedDate", "instant"),
        ("system/Divisions", "DivisionMoveDate", "date"),
        ("financialtransaction/TransactionLines", "Date", "date"),
        ("salesinvoice/SalesInvoiceLines", "StartTime", "date"),
    ],
)
def test_well_known_dates_are_of_the_right_kind(endpoint: str, name: str, kind: str) -> None:
    assert property_of(endpoint, name).date == kind


def test_modified_is_a_moment_wherever_it_is() -> None:
    wrong = [id_ for id_, item in properties() if item.name == "Modified" and item.date == "date"]
    assert not wrong


def test_types_of_the_deleted_log_mean_one_stream_each_but_for_the_feeds() -> None:
    logged = [stream for stream in STREAMS if stream.deleted_type is not None]
    assert all(stream.sync for stream in logged)
    shared = Counter(stream.deleted_type for stream in logged)
    assert {number for number, count in shared.items() if count > 1} == {13, 22}
    assert set(shared) == set(CATALOGUE.deleted_types)
    assert CATALOGUE.streams["sales_invoices"].deleted_type == 13
    assert CATALOGUE.streams["sales_order_lines"].deleted_type == 33


def test_columns_are_the_properties_with_a_value() -> None:
    invoices = CATALOGUE.endpoints["salesinvoice/SalesInvoices"]
    assert invoices.key == ("InvoiceID",)
    assert "SalesInvoiceLines" in invoices.properties
    assert "SalesInvoiceLines" not in invoices.columns
    assert list(invoices.columns) == [
        name for name, item in invoices.properties.items() if not item.navigation
    ]


def test_the_catalogue_is_read_once() -> None:
    assert catalogue.load() is CATALOGUE
