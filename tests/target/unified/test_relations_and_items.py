"""Customers, suppliers and items in the unified shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from exactonline_client.errors import ConfigurationError
from target_exactonline.schema import entities
from target_exactonline.schema.unified import TARGETS

if TYPE_CHECKING:
    from tests.target.conftest import Company, Runner

CUSTOMER = {
    "display_id": "700001",
    "display_name": "Bakkerij De Korenaar",
    "company_name": "De Korenaar",
    "emails": ["info@korenaar.example"],
    "tax_number": "NL001234567B01",
    "tax_rate_code": "2",
    "currency": "EUR",
    "terms_id": "30",
    "notes": "Levert 's ochtends",
    "status": "active",
}
WANTED = {
    "Code": "700001",
    "Name": "Bakkerij De Korenaar",
    "TradeName": "De Korenaar",
    "Email": "info@korenaar.example",
    "VATNumber": "NL001234567B01",
    "SalesVATCode": "2",
    "SalesCurrency": "EUR",
    "PaymentConditionSales": "30",
    "Remarks": "Levert 's ochtends",
    "Blocked": False,
    "Status": "C",
}


def row(company: Company, table: str, code: str) -> dict[str, Any]:
    rows = company.server.control.truth(company.division, table)
    return next(each for each in rows if each["Code"].strip() == code)


def test_no_unified_name_is_one_of_exact() -> None:
    assert not TARGETS.keys() & entities.entities().keys()


@pytest.mark.parametrize(
    "stream", ["customers", "shop-customers", "analytics_unified-unified_exact__customers"]
)
def test_customer_is_created_once(company: Company, runner: Runner, stream: str) -> None:
    code = str(710000 + len(stream))
    record = {**CUSTOMER, "display_id": code}
    assert runner.load(record, stream=stream).outcomes == [(code, "created")]
    made = row(company, "accounts", code)
    assert {name: made[name] for name in WANTED} == {**WANTED, "Code": code}
    company.server.control.reset_calls()
    assert runner.load(record, stream=stream).outcomes == [(code, "unchanged")]
    assert company.calls("POST") == 0


def test_objects_and_codes_name_related_rows(company: Company, runner: Runner) -> None:
    record = {
        "display_id": "700002",
        "display_name": "Drukkerij",
        "account": {"nominal_code": "1600"},
        "expense_account": '{"code": "4500"}',
        "parent": {"display_name": row(company, "accounts", "10000")["Name"]},
        "tax_rate": "2",
    }
    load = runner.load(record, stream="suppliers")
    assert load.outcomes == [("700002", "created")], load.reasons
    made = row(company, "accounts", "700002")
    assert made["IsSupplier"]
    assert made["PurchaseVATCode"].strip() == "2"
    assert made["GLAP"] == row(company, "gl_accounts", "1600")["ID"]
    assert made["GLAccountPurchase"] == row(company, "gl_accounts", "4500")["ID"]
    assert made["Parent"] == row(company, "accounts", "10000")["ID"]


def test_item_has_its_kind_in_words(company: Company, runner: Runner) -> None:
    record = {
        "code": "U-1",
        "name": "Advies",
        "type": "service",
        "tracked": False,
        "sold": True,
        "purchased": False,
        "taxable": True,
        "active": True,
        "sales_details": {"unit_of_measure": "hour", "tax_rate_code": "2"},
        "income_account": {"code": "8000"},
    }
    load = runner.load(record, stream="invoice_items")
    assert load.outcomes == [("U-1", "created")], load.reasons
    made = row(company, "items", "U-1")
    assert (made["IsStockItem"], made["IsTime"], made["IsTaxableItem"]) == (False, 1, 1)
    assert (made["IsSalesItem"], made["Unit"]) == (True, "hour")
    assert made["GLRevenue"] == row(company, "gl_accounts", "8000")["ID"]


def test_row_of_the_warehouse_is_changed_where_it_differs(company: Company, runner: Runner) -> None:
    runner.load({**CUSTOMER, "display_id": "700003"}, stream="customers")
    made = row(company, "accounts", "700003")
    read = {
        **CUSTOMER,
        "id": made["ID"],
        "downstream_id": made["ID"],
        "company_id": company.division,
        "display_id": "700003",
        "addresses": '[{"line1": "Dorpsstraat 1"}]',
        "terms": "30 dagen",
        "main_contact_first_name": None,
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-02T00:00:00Z",
        "row_version": 12345,
        "status": "archived",
    }
    again = runner.load(read, stream="customers", load_method="upsert")
    assert again.outcomes == [("700003", "unchanged")], again.reasons
    changed = {**read, "notes": "Levert 's middags"}
    again = runner.load(changed, stream="customers", load_method="upsert")
    assert again.outcomes == [("700003", "updated")], again.reasons
    assert row(company, "accounts", "700003")["Remarks"] == "Levert 's middags"


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"display_nam": "x"}, "'display_nam' is not a field of customers (similar: display_name"),
    ({"Name": "x"}, "'Name' is not a field of customers"),
    ({"row_version": 5}, "row_version cannot be written: Exact Online fills it in"),
    (
        {"addresses": [{"line1": "x"}]},
        "addresses cannot be written here: it is of stream addresses",
    ),
    ({"emails": ["a@b.nl", "c@d.nl"]}, "emails holds 2 values, and Exact Online keeps one"),
    ({"status": "archived"}, "status should be active or inactive, but is another word"),
    ({"display_name": None}, "display_name is missing"),
    ({"tax_rate_code": "2222"}, "tax_rate.code is longer than 3 characters"),
    ({"currency": {"code": "EUR"}}, "currency should be text, but is an object"),
    (
        {"tax_rate_code": "2", "tax_rate": {"code": "1"}},
        "tax_rate.code is given twice, with different values",
    ),
]


def test_what_is_wrong_is_told_in_names_of_the_record(company: Company, runner: Runner) -> None:
    records = [
        {**CUSTOMER, "display_id": f"7100{number:02}", **fields}
        for number, (fields, _) in enumerate(WRONG)
    ]
    load = runner.load(*records, stream="customers")
    assert [outcome for _, outcome in load.outcomes] == ["rejected"] * len(WRONG)
    for found, (_, problem) in zip(load.reasons, WRONG, strict=True):
        assert problem in str(found)
    assert company.calls("POST") == 0


def test_what_is_null_is_not_given(runner: Runner) -> None:
    record = {**CUSTOMER, "display_id": "700005", "row_version": None, "other": None}
    assert runner.load(record, stream="customers").outcomes == [("700005", "created")]


def test_stream_is_what_the_setting_says(company: Company, runner: Runner) -> None:
    streams = {"klanten": {"entity": "customers", "columns": {"nummer": "display_id"}}}
    record = {**CUSTOMER, "nummer": "700006"}
    del record["display_id"]
    assert runner.load(record, stream="klanten", streams=streams).outcomes == [
        ("700006", "created")
    ]
    exact = {"Code": "700007", "Name": "Naam"}
    load = runner.load(exact, stream="customers", streams={"customers": "accounts"})
    assert load.outcomes == [("700007", "created")]
    assert row(company, "accounts", "700007")["Name"] == "Naam"


@pytest.mark.parametrize(
    ("streams", "problem"),
    [
        ({"a": {"entity": "invoices", "rows": "lines"}}, "leave out rows"),
        ({"a": "invoice_line_items"}, "in line_items of stream invoices"),
        ({"a": {"entity": "bills", "reference_field": "Description2"}}, "cannot be searched by"),
    ],
)
def test_setting_that_cannot_be_is_refused(
    runner: Runner, streams: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        runner.load({"id": None}, stream="a", streams=streams)


def test_key_of_the_source_is_no_key_of_exact(runner: Runner) -> None:
    schema = {
        "type": "SCHEMA",
        "stream": "customers",
        "schema": {"properties": {"id": {"type": "integer"}, "display_id": {}, "display_name": {}}},
        "key_properties": ["id"],
    }
    record = {"id": 12, "display_id": "700008", "display_name": "Naam"}
    load = runner.run([schema, runner.record(record, "customers")])
    assert load.outcomes == [("700008", "created")], load.reasons


def test_fields_of_one_property_have_to_agree(runner: Runner) -> None:
    record = {"code": "U-2", "name": "Advies", "type": "service", "tracked": True}
    load = runner.load(record, stream="invoice_items")
    assert load.reasons == ["type and tracked are both given, and differ"]


def test_what_was_read_as_another_field_is_left_out(company: Company, runner: Runner) -> None:
    record = {"code": "U-3", "name": "Advies"}
    runner.load(record, stream="invoice_items")
    item = row(company, "items", "U-3")
    read = {**record, "id": item["ID"], "company_id": company.division, "description": "Advies"}
    load = runner.load(read, stream="invoice_items", load_method="upsert")
    assert load.outcomes == [("U-3", "unchanged")]
