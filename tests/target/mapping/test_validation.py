"""What is known to be wrong before anything is asked: sums, references, files, missing fields."""

from __future__ import annotations

import base64
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from target_exactonline.mapping import attachments
from target_exactonline.mapping.folder import Folder
from target_exactonline.mapping.model import SOURCE_KEY, Document, RelatedRow
from target_exactonline.mapping.prepare import PrepareOptions, preparer
from target_exactonline.schema import entities

if TYPE_CHECKING:
    from pathlib import Path

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
HERE, ELSEWHERE = 1, 2
KEY = "a0b1c2d3-0000-4000-8000-00000000000a"
OTHER = "a0b1c2d3-0000-4000-8000-00000000000b"


def prepared(stream: str, record: dict[str, Any], **options: Any) -> Document:
    preparation = PrepareOptions(**options)
    return preparer(entities.find(stream), preparation, AMSTERDAM, HERE)(record)


def invoice(**fields: Any) -> dict[str, Any]:
    line = {"Item": KEY, "Quantity": 2, "NetPrice": 12.5}
    return {"YourRef": "W-1", "OrderedBy": KEY, "SalesInvoiceLines": [line], **fields}


def entry(*amounts: Any, **fields: Any) -> dict[str, Any]:
    lines = [{"GLAccount": KEY, "AmountFC": amount} for amount in amounts]
    return {"JournalCode": "90", "reference": "J-1", "GeneralJournalEntryLines": lines, **fields}


def test_a_journal_entry_must_balance_to_the_cent() -> None:
    assert prepared("general_journal_entries", entry("0.1", "0.2", "-0.3")).problems == []
    assert prepared("general_journal_entries", entry("0.10", "-0.09")).problems == [
        "the lines do not balance: their AmountFC add up to 0.01 instead of 0"
    ]


def test_a_journal_entry_with_vat_is_left_to_exact_online() -> None:
    record = entry("100", "-121")
    record["GeneralJournalEntryLines"][0]["VATCode"] = "4"
    assert prepared("general_journal_entries", record).problems == []


@pytest.mark.parametrize(
    ("stream", "lines"), [("bank_entries", "BankEntryLines"), ("cash_entries", "CashEntryLines")]
)
def test_a_bank_or_cash_entry_carries_its_balance_over(stream: str, lines: str) -> None:
    record = {
        "JournalCode": "20",
        "reference": "B-1",
        "OpeningBalanceFC": "100.00",
        "ClosingBalanceFC": "130.50",
        lines: [{"GLAccount": KEY, "AmountFC": "40.50"}, {"GLAccount": KEY, "AmountFC": -10}],
    }
    assert prepared(stream, record).problems == []
    assert prepared(stream, {**record, "ClosingBalanceFC": "130.49"}).problems == [
        (
            "OpeningBalanceFC and the AmountFC of the lines come to 130.5, but ClosingBalanceFC is "
            "130.49"
        )
    ]
    assert prepared(stream, {**record, "ClosingBalanceFC": None}).problems == []


@pytest.mark.parametrize(
    ("totals", "problems"),
    [
        ({"AmountFCExclVat": "25.00"}, []),
        ({"AmountFCExclVat": "25.004"}, []),
        ({"AmountFCExclVat": 20.66, "AmountFC": 25, "VATAmountFC": 4.34}, []),
        ({"AmountFCExclVat": "24.99"}, ["the lines add up to 25, but AmountFCExclVat is 24.99"]),
        (
            {"AmountFCExclVat": 25, "VATAmountFC": 5.25, "AmountFC": 30},
            ["AmountFCExclVat and VATAmountFC add up to 30.25, but AmountFC is 30"],
        ),
        ({"AmountFCExclVat": "24.99", "AmountDiscount": 1}, []),
    ],
)
def test_totals_are_checked_and_kept_but_not_sent(
    totals: dict[str, Any], problems: list[str]
) -> None:
    document = prepared("sales_invoices", invoice(**totals))
    assert document.problems == problems
    kept = {name: Decimal(str(value)) for name, value in totals.items() if "Disc" not in name}
    assert document.expected == kept
    assert "AmountFCExclVat" not in document.fields


def test_lines_without_prices_say_nothing_about_totals() -> None:
    record = invoice(AmountFCExclVat=5, SalesInvoiceLines=[{"Item": KEY, "Quantity": 1}])
    assert prepared("sales_invoices", record).problems == []


def test_discounts_of_lines_count() -> None:
    line = {"Item": KEY, "Quantity": 2, "UnitPrice": 10, "Discount": "0.25"}
    record = invoice(AmountFCExclVat=15, SalesInvoiceLines=[line])
    assert prepared("sales_invoices", record).problems == []


ORDER = {
    "YourRef": "F-1",
    "OrderedBy": KEY,
    "SalesOrderLines": [{"Item": KEY, "Quantity": 1, "Discount": -5}],
}
BILL = {
    "YourRef": "F-2",
    "Supplier": KEY,
    "Journal": "60",
    "PurchaseEntryLines": [{"GLAccount": KEY, "AmountFC": 5, "VATPercentage": 21}],
}
CONDITION = {"Code": "9", "Description": "9", "DiscountPercentage": 2}


@pytest.mark.parametrize(
    ("stream", "record", "name", "numbers"),
    [
        (
            "sales_invoices",
            invoice(SalesInvoiceLines=[{"Item": KEY, "Quantity": 1, "Discount": 10}]),
            "SalesInvoiceLines[1].Discount",
            ("10", "1000", "0.1"),
        ),
        ("sales_invoices", invoice(discount="12.5"), "Discount", ("12.5", "1250", "0.125")),
        ("sales_orders", ORDER, "SalesOrderLines[1].Discount", ("-5", "-500", "-0.05")),
        ("purchase_entries", BILL, "PurchaseEntryLines[1].VATPercentage", ("21", "2100", "0.21")),
        (
            "accounts",
            {"Code": "1", "Name": "A", "DiscountSales": 5.5},
            "DiscountSales",
            ("5.5", "550", "0.055"),
        ),
        ("payment_conditions", CONDITION, "DiscountPercentage", ("2", "200", "0.02")),
    ],
)
def test_a_fraction_beyond_one_is_refused_with_both_readings(
    stream: str, record: dict[str, Any], name: str, numbers: tuple[str, str, str]
) -> None:
    given, percent, fraction = numbers
    assert prepared(stream, record).problems == [
        (
            f"{name} is {given}, which is {percent} % to Exact Online: it takes fractions. "
            f"If {given} % is meant, give {fraction}"
        )
    ]


def test_an_account_that_may_be_created_is_checked_as_well() -> None:
    record = invoice(OrderedBy={"Code": "1", "Name": "A", "DiscountSales": 5})
    (problem,) = prepared("sales_invoices", record, create_missing=frozenset({"accounts"})).problems
    assert problem.startswith("OrderedBy.DiscountSales is 5, which is 500 %")


def test_fractions_up_to_one_and_those_of_exact_online_are_taken() -> None:
    line = {"Item": KEY, "Quantity": 1, "UnitPrice": 1, "Discount": 1}
    assert prepared("sales_invoices", invoice(SalesInvoiceLines=[line])).problems == []
    read = {**invoice(SalesInvoiceLines=[{**line, "Discount": -7}]), "Division": HERE}
    assert prepared("sales_invoices", read).problems == []


def test_a_line_needs_what_its_entity_needs() -> None:
    record = invoice(SalesInvoiceLines=[{"Quantity": 1}, {"item_code": "A-1"}])
    assert prepared("sales_invoices", record).problems == ["SalesInvoiceLines[1].Item is missing"]


def test_what_is_there_already_needs_no_more_than_its_changes() -> None:
    change = {"YourRef": "W-1", "InvoiceID": KEY, "Description": "new"}
    document = prepared("sales_invoices", change)
    assert (document.problems, document.exact_id) == ([], KEY)
    assert document.fields == {"YourRef": "W-1", "Description": "new"}
    assert document.lacks == ["OrderedBy is missing", "SalesInvoiceLines is missing"]
    elsewhere = {**change, "Division": ELSEWHERE}
    assert len(prepared("sales_invoices", elsewhere).problems) == 2


def test_codes_may_stand_where_keys_belong() -> None:
    line = {"item_code": "A-1", "quantity": 1}
    document = prepared(
        "sales_invoices",
        {"YourRef": "W-1", "OrderedBy": 10021, "sales_invoice_lines": [line], "WarehouseCode": "1"},
    )
    assert document.problems == []
    assert document.fields["OrderedBy"] == RelatedRow("crm/Accounts", (("Code", "10021"),))
    assert document.fields["Warehouse"] == RelatedRow("inventory/Warehouses", (("Code", "1"),))
    (made,) = document.fields["SalesInvoiceLines"]
    assert made["Item"] == RelatedRow("logistics/Items", (("Code", "A-1"),))


def test_a_code_beside_a_key_is_refused() -> None:
    assert prepared("sales_invoices", invoice(ordered_by_code="10021")).problems == [
        "OrderedByCode cannot be given together with OrderedBy"
    ]
    assert prepared("sales_invoices", invoice(OrderedBy="1", OrderedByCode="2")).problems == [
        "OrderedByCode is given twice, with different values"
    ]


def test_an_object_may_be_created_where_that_is_allowed() -> None:
    record = invoice(OrderedBy={"code": "10021", "name": "Jansen", "Email": "j@example.com"})
    document = prepared("sales_invoices", record)
    by = (("Code", "10021"), ("Name", "Jansen"))
    assert document.fields["OrderedBy"] == RelatedRow("crm/Accounts", by)
    document = prepared("sales_invoices", record, create_missing=frozenset({"accounts"}))
    new = {"Code": "10021", "Name": "Jansen", "Email": "j@example.com", "Status": "C"}
    assert document.fields["OrderedBy"] == RelatedRow("crm/Accounts", by, new)


@pytest.mark.parametrize(
    ("customer", "problem"),
    [
        ({"Nmae": "Jansen"}, "OrderedBy.'Nmae' is not a field of Accounts (similar: Name)"),
        ({"Email": "j@example.com"}, "OrderedBy should hold Code or Name"),
        ("  ", "OrderedBy is missing"),
        (1.5, "OrderedBy should be a code or name, but is another number"),
        ({"Name": "x", "Parent": "10"}, "OrderedBy.Parent should be a GUID, but is '10'"),
    ],
)
def test_what_names_nobody_is_refused(customer: Any, problem: str) -> None:
    assert prepared("sales_invoices", invoice(OrderedBy=customer)).problems[0].startswith(problem)


def test_the_empty_key_means_nobody() -> None:
    nobody = "00000000-0000-0000-0000-000000000000"
    document = prepared("sales_invoices", invoice(DeliverTo=nobody, OrderedBy=nobody))
    assert "DeliverTo" not in document.fields
    assert document.problems == ["OrderedBy is missing"]


def test_nulls_are_left_out_unless_they_are_to_clear() -> None:
    record = invoice(Description=None, Document=None, InvoiceNumber=None)
    assert "Description" not in prepared("sales_invoices", record).fields
    document = prepared("sales_invoices", record, nulls="clear")
    assert document.fields["Description"] is None
    assert "InvoiceNumber" not in document.fields
    assert b"Description" not in document.body()
    assert prepared("sales_invoices", invoice(OrderedBy=None), nulls="clear").problems == [
        "OrderedBy is missing"
    ]


def test_reference_is_another_name_for_the_reference_field() -> None:
    record = invoice(reference="R-1")
    assert prepared("sales_invoices", {**record, "YourRef": None}).reference == "R-1"
    assert prepared("sales_invoices", {**record, "YourRef": None}).fields["YourRef"] == "R-1"
    assert prepared("sales_invoices", {**record, "YourRef": "R-1 "}).reference == "R-1"
    assert prepared("sales_invoices", record).problems == [
        "reference and YourRef are both given, and differ",
    ]
    assert prepared("accounts", {"Reference": 10021, "Name": "Jansen"}).fields == {
        "Code": "10021",
        "Name": "Jansen",
    }


def test_what_has_no_field_for_a_reference_keeps_it_to_itself() -> None:
    document = prepared("general_journal_entries", entry("1", "-1"))
    assert document.reference == "J-1"
    assert b"J-1" not in document.body()
    (problem,) = prepared("general_journal_entries", entry("1", "-1", reference=None)).problems
    assert problem.startswith("reference is missing: Exact Online has no field for one here")


def test_the_references_of_some_entities_have_their_own_name() -> None:
    mandate = {"Account": KEY, "BankAccount": KEY, "Reference": "M-1"}
    assert prepared("direct_debit_mandates", mandate).fields["Reference"] == "M-1"


def of_the_tap(division: int, **fields: Any) -> dict[str, Any]:
    line = {
        "Division": division,
        "ID": OTHER,
        "InvoiceID": KEY,
        "Item": KEY,
        "ItemCode": "A-1",
        "ItemDescription": "Coffee",
        "AmountDC": 25,
        "Quantity": 2.0,
        "CostCenter": None,
    }
    return invoice(
        Division=division,
        InvoiceID=KEY,
        InvoiceNumber=24700006,
        OrderNumber=17,
        OrderedByName="Jansen",
        AmountFC=999.99,
        AmountFCExclVat=1,
        Creator=KEY,
        Salesperson=KEY,
        Document=KEY,
        Unheard_of="x",
        SalesInvoiceLines=[line],
        **fields,
    )


def test_a_record_of_this_division_is_taken_as_it_is() -> None:
    document = prepared("sales_invoices", of_the_tap(HERE))
    assert document.problems == []
    assert (document.exact_id, document.source_key) == (KEY, None)
    assert document.fields["OrderedBy"] == KEY
    assert document.fields["Salesperson"] == KEY
    assert document.fields["SalesInvoiceLines"] == [{"ID": OTHER, "Item": KEY, "Quantity": 2}]
    assert document.expected == {"AmountFC": Decimal("999.99"), "AmountFCExclVat": 1}
    assert json.loads(document.body())["SalesInvoiceLines"] == [{"Item": KEY, "Quantity": 2}]
    assert "InvoiceID" not in document.fields


def test_the_keys_of_another_division_are_looked_up_or_left_out() -> None:
    document = prepared("sales_invoices", of_the_tap(ELSEWHERE))
    assert document.problems == []
    assert (document.exact_id, document.source_key) == (None, KEY)
    source = (SOURCE_KEY, KEY)
    assert document.fields["OrderedBy"] == RelatedRow("crm/Accounts", (source, ("Name", "Jansen")))
    assert document.fields["Document"] == RelatedRow(
        "documents/Documents", (source,), optional=True
    )
    (line,) = document.fields["SalesInvoiceLines"]
    assert line == {"Item": RelatedRow("logistics/Items", (source, ("Code", "A-1"))), "Quantity": 2}
    assert document.notes == [
        "OrderNumber was left out: it is a number of another division",
        "Salesperson was left out: it is a key of another division",
    ]


def test_a_key_that_is_needed_is_not_left_out() -> None:
    record = {
        "Division": ELSEWHERE,
        "StockTransactionId": KEY,
        "Quantity": 1,
        "ShopOrderMaterialPlan": KEY,
        "TransactionDate": "2026-06-25",
    }
    (problem,) = prepared("material_issues", record).problems
    assert problem.startswith("ShopOrderMaterialPlan is a key of another division")


def test_a_copy_of_something_without_a_reference_is_known_by_its_key() -> None:
    record = {"Division": ELSEWHERE, "ID": KEY, "Account": OTHER, "LastName": "Bos", "HID": 7}
    document = prepared("contacts", record)
    assert document.problems == []
    assert document.reference == document.source_key == KEY
    wanted = RelatedRow("crm/Accounts", ((SOURCE_KEY, OTHER),))
    assert document.fields == {"Account": wanted, "LastName": "Bos"}


def test_a_deleted_record_needs_no_more_than_a_name() -> None:
    record = {"YourRef": "W-1", "_sdc_deleted_at": "2026-06-25T10:00:00Z"}
    document = prepared("sales_invoices", record)
    assert document.deleted
    assert document.problems == []
    assert document.reference == "W-1"
    keyed = prepared("sales_invoices", {**record, "YourRef": None, "InvoiceID": KEY})
    assert (keyed.exact_id, keyed.problems) == (KEY, [])
    assert prepared("sales_invoices", {**record, "YourRef": None}).problems == [
        "YourRef is missing"
    ]
    assert not prepared("sales_invoices", invoice(_sdc_deleted_at=None)).deleted


def test_files_come_in_the_record_or_by_their_path(tmp_path: Path) -> None:
    path = tmp_path / "scan.pdf"
    path.write_bytes(b"%PDF")
    content = base64.b64encode(b"%PDF").decode()
    document = prepared(
        "sales_invoices",
        invoice(
            attachments=[{"file_name": "a.pdf", "content": content}, {"path": "scan.pdf"}],
            attachment_path=str(path),
        ),
        folder=Folder(tmp_path),
    )
    assert document.problems == []
    names = [file.file_name for file in document.attachments]
    assert names == ["a.pdf", "scan.pdf", "scan.pdf"]
    assert [file.read() for file in document.attachments] == [b"%PDF"] * 3
    assert document.payload_hash == prepared("sales_invoices", invoice()).payload_hash


def test_what_is_wrong_with_files_is_said(tmp_path: Path) -> None:
    large = tmp_path / "large.bin"
    with large.open("wb") as file:
        file.truncate(attachments.MAX_BYTES + 1)
    files: list[Any] = [
        {"path": str(tmp_path / "none.pdf")},
        {"path": str(large)},
        {"file_name": "a.pdf", "content": "?"},
        {"content": "AAAA"},
        {"file_name": "a.pdf", "content": ""},
        {"file_name": "a.pdf", "contents": "AAAA"},
        "a.pdf",
    ]
    document = prepared("sales_invoices", invoice(attachments=files), folder=Folder(tmp_path))
    assert sorted([*document.problems, *attachments.problems(document.attachments)]) == [
        "attachments[1] names a file that cannot be read (No such file or directory)",
        "attachments[2] is larger than 10 MB, which is more than Exact Online takes",
        "attachments[3] has a content that is not base64",
        "attachments[4] should have a file_name",
        "attachments[5] is empty",
        "attachments[6] should hold either path, or file_name and content",
        "attachments[7] should be an object, but is 'a.pdf'",
    ]
    assert prepared("sales_invoices", invoice(attachments="a.pdf")).problems == [
        "attachments should be a list of objects"
    ]


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.decimals() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
NAMES = ["Division", "reference", "attachments", "attachment_path", "ID", "Code", "Name", "Item"]


@settings(deadline=None)
@given(
    st.sampled_from(sorted(entities.entities())),
    st.data(),
    st.sampled_from([{}, {"Division": HERE}, {"Division": ELSEWHERE}]),
    st.sampled_from(["leave", "clear"]),
)
def test_no_record_of_any_entity_breaks_the_reading(
    stream: str, data: st.DataObject, origin: dict[str, int], nulls: str
) -> None:
    fields = sorted(entities.find(stream).endpoint.properties)
    names = st.sampled_from([*fields, *NAMES]) | st.text()
    record = data.draw(st.dictionaries(names, ODD, max_size=6))
    document = prepared(stream, {**record, **origin}, nulls=nulls)
    assert bool(document.payload_hash) != bool(document.problems)
    for sentence in (*document.problems, *document.notes):
        assert sentence.isprintable()
