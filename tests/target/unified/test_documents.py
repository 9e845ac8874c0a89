"""Invoices, credit notes, bills and journal entries in the unified shape."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from exactonline_client.errors import RecordsRejected
from exactonline_client.store.store import Store
from exactonline_client.store.tables import postings

if TYPE_CHECKING:
    from tests.target.conftest import Company, Load, Runner

HEADERS = {
    "invoices": ("sales_invoices", "InvoiceID", "sales_invoice_lines"),
    "credit_notes": ("sales_invoices", "InvoiceID", "sales_invoice_lines"),
    "bills": ("purchase_entries", "EntryID", "purchase_entry_lines"),
    "journal_entries": (
        "general_journal_entries", "EntryID", "general_journal_entry_lines",
    ),
}  # fmt: skip


def made(company: Company, stream: str, load: Load) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The document of the only result, and its lines in their order."""
    (result,) = load.results
    table, key, lines = HEADERS[stream]
    control = company.server.control
    header = next(
        row for row in control.truth(company.division, table) if row[key] == result["exact_id"]
    )
    rows = [row for row in control.truth(company.division, lines) if row[key] == header[key]]
    return header, sorted(rows, key=lambda row: row["LineNumber"])


def reason(load: Load) -> str:
    assert isinstance(load.error, RecordsRejected)
    (found,) = load.reasons
    assert found
    return found


def codes(company: Company) -> tuple[str, str]:
    """Codes of a customer and an item."""
    control = company.server.control
    customer = next(
        row for row in control.truth(company.division, "accounts") if row["ID"] == company.customer
    )
    item = next(
        row for row in control.truth(company.division, "items") if row["ID"] == company.items[0]
    )
    return customer["Code"].strip(), item["Code"]


def invoice(company: Company, reference: str, **fields: Any) -> dict[str, Any]:
    customer, item = codes(company)
    return {
        "reference": reference,
        "customer": {"display_id": customer},
        "invoice_date": "2026-03-10",
        "due_date": "2026-04-09",
        "type": "standard",
        "status": "submitted",
        "customer_memo": "Met dank",
        "sub_total": 90,
        "total_tax": 18.9,
        "total": 108.9,
        "line_items": [
            {
                "line_number": 2,
                "item": {"code": item},
                "quantity": 1,
                "unit_price": 50,
                "discount_percentage": 20,
                "tax_rate": {"code": "2"},
                "total_amount": 40,
            },
            {
                "line_number": 1,
                "type": "sales_item",
                "item": {"code": item},
                "description": "Eerste",
                "quantity": 2.5,
                "unit_price": 20,
                "tax_rate": {"code": "2"},
                "total_amount": 50,
                "memo": "Bij de deur",
            },
        ],
        **fields,
    }


def test_invoice_is_created_once(company: Company, runner: Runner) -> None:
    record = invoice(company, "UI-1")
    load = runner.load(record, stream="invoices")
    assert load.outcomes == [("UI-1", "created")], load.reasons
    assert load.error is None
    header, lines = made(company, "invoices", load)
    assert (header["Type"], header["Remarks"]) == (8020, "Met dank")
    assert header["OrderedBy"] == header["InvoiceTo"] == company.customer
    assert str(header["InvoiceDate"])[:10] == str(header["OrderDate"])[:10] == "2026-03-10"
    assert str(header["DueDate"])[:10] == "2026-04-09"
    assert [line["Quantity"] for line in lines] == [2.5, 1]
    assert [float(line["Discount"]) for line in lines] == [0, 0.2]
    assert [line["AmountFC"] for line in lines] == [50, 40]
    assert (lines[0]["Description"], lines[0]["Notes"]) == ("Eerste", "Bij de deur")
    company.server.control.reset_calls()
    assert runner.load(record, stream="invoices").outcomes == [("UI-1", "unchanged")]
    assert company.calls("POST") == 0


def test_lines_may_come_as_text(company: Company, runner: Runner) -> None:
    record = invoice(company, "UI-2")
    text = {**record, "line_items": json.dumps(record["line_items"])}
    assert runner.load(text, stream="invoices").outcomes == [("UI-2", "created")]


def test_unified_and_exact_shape_are_one_document(company: Company, runner: Runner) -> None:
    assert runner.load(company.invoice("UI-3")).outcomes == [("UI-3", "created")]
    record = invoice(company, "UI-3")
    assert runner.load(record, stream="invoices").outcomes[0][1] in {"exists", "skipped"}
    assert len(company.invoices("UI-3")) == 1


def test_totals_are_compared_with_what_exact_makes(company: Company, runner: Runner) -> None:
    record = invoice(company, "UI-4", total=109.9, total_tax=None, sub_total=None)
    load = runner.load(record, stream="invoices")
    assert load.outcomes == [("UI-4", "created")]
    assert "AmountFC is 108.9 at Exact Online, and 109.9 in the record" in str(load.reasons[0])
    assert isinstance(load.error, RecordsRejected)


def test_sum_of_lines_is_a_total_too(company: Company, runner: Runner) -> None:
    record = invoice(company, "UI-5")
    del record["sub_total"], record["total"], record["total_tax"]
    record["line_items"][0]["total_amount"] = 41
    load = runner.load(record, stream="invoices")
    assert "the lines add up to 90, but sub_total is 91" in reason(load)


def test_dry_run_writes_nothing(company: Company, runner: Runner) -> None:
    load = runner.load(invoice(company, "UI-6"), stream="invoices", dry_run=True)
    assert load.outcomes == [("UI-6", "would_create")]
    assert not company.invoices("UI-6")


def test_status_says_that_an_invoice_is_processed(company: Company, runner: Runner) -> None:
    record = invoice(company, "UI-7", status="authorised")
    assert "unless finalize is print" in reason(runner.load(record, stream="invoices"))
    load = runner.load(record, stream="invoices", finalize="print")
    assert load.outcomes == [("UI-7", "created")], load.reasons
    assert made(company, "invoices", load)[0]["Status"] == 50
    draft = invoice(company, "UI-8", status="draft")
    load = runner.load(draft, stream="invoices", finalize="print")
    assert "status should be authorised, unless finalize is none" in reason(load)


def test_numbers_have_the_form_of_the_source(company: Company, runner: Runner) -> None:
    record = invoice(company, "UI-9", total="108,90", sub_total="90,00", total_tax="18,90")
    for line in record["line_items"]:
        for name in ("quantity", "unit_price", "total_amount"):
            line[name] = f"{line[name]:.2f}".replace(".", ",")
    load = runner.load(record, stream="invoices", decimal="comma")
    assert load.outcomes == [("UI-9", "created")], load.reasons
    assert load.error is None


def test_row_of_the_warehouse_changes_its_invoice(company: Company, runner: Runner) -> None:
    load = runner.load(invoice(company, "UI-10"), stream="invoices")
    header, lines = made(company, "invoices", load)
    customer, item = codes(company)
    read = {
        "id": header["InvoiceID"],
        "downstream_id": header["InvoiceID"],
        "company_id": company.division,
        "display_id": header["OrderNumber"],
        "number": None,
        "type": "standard",
        "customer_id": company.customer,
        "customer_display_id": customer,
        "customer_display_name": "Zoals hij heet",
        "reference": "UI-10",
        "invoice_date": "2026-03-10",
        "status": "submitted",
        "currency": "EUR",
        "currency_rate": 1,
        "tax_inclusive": False,
        "sub_total": 90,
        "total": 108.9,
        "balance": None,
        "discount_percentage": 0,
        "customer_memo": "Anders",
        "row_version": 5,
        "line_items": [
            {
                "id": line["ID"],
                "company_id": company.division,
                "line_number": line["LineNumber"],
                "type": "sales_item",
                "item": {"id": line["Item"], "code": item, "name": "Naam"},
                "code": item,
                "description": line["Description"],
                "quantity": float(line["Quantity"]),
                "unit_price": float(line["UnitPrice"]),
                "discount_percentage": float(line["Discount"]) * 100,
                "total_amount": float(line["AmountFC"]),
                "tax_rate": {"code": "2", "rate": 21},
                "ledger_account": {"id": line["GLAccount"], "code": "8000", "name": "Omzet"},
                "project": {"id": None},
                "row_version": 6,
            }
            for line in lines
        ],
    }
    same = {**read, "customer_memo": "Met dank"}
    again = runner.load(same, stream="unified_exact__invoices", load_method="upsert")
    assert again.outcomes == [("UI-10", "unchanged")], again.reasons
    again = runner.load(read, stream="unified_exact__invoices", load_method="upsert")
    assert again.outcomes == [("UI-10", "updated")], again.reasons
    assert made(company, "invoices", load)[0]["Remarks"] == "Anders"


def test_credit_note_is_positive_here_and_negative_at_exact(
    company: Company, runner: Runner
) -> None:
    customer, item = codes(company)
    record = {
        "reference": "UC-1",
        "customer": customer,
        "type": "accounts_receivable_credit",
        "date_issued": "2026-03-11",
        "status": "authorised",
        "total_amount": 24.2,
        "sub_total": 20,
        "line_items": [
            {"item": item, "quantity": 2, "unit_price": 10, "tax_rate": "2", "total_amount": 20}
        ],
    }
    load = runner.load(record, stream="credit_notes", finalize="print")
    assert load.outcomes == [("UC-1", "created")], load.reasons
    assert load.error is None
    header, lines = made(company, "credit_notes", load)
    assert (header["Type"], header["AmountFC"], header["Status"]) == (8021, -24.2, 50)
    assert lines[0]["Quantity"] == -2


def bill(company: Company, number: str, **fields: Any) -> dict[str, Any]:
    supplier = next(
        row
        for row in company.server.control.truth(company.division, "accounts")
        if row["IsSupplier"]
    )
    return {
        "bill_number": number,
        "supplier": {"id": supplier["ID"], "display_name": "Zoals hij heet"},
        "journal": "60",
        "bill_date": "2026-03-12",
        "notes": "Kantoor",
        "accounting_period": "2026-03",
        "currency": "EUR",
        "sub_total": 130,
        "total_tax": 27.3,
        "total": 157.3,
        "status": "authorised",
        "line_items": [
            {
                "description": "Papier",
                "quantity": 4,
                "unit_price": 25,
                "tax_rate": {"code": "5"},
                "ledger_account": {"nominal_code": "4500"},
                "tax_amount": 21,
            },
            {
                "total_amount": 30,
                "tax_rate": {"code": "5"},
                "ledger_account": {"nominal_code": "4500"},
                "tax_amount": 6.3,
            },
        ],
        **fields,
    }


def test_bill_has_amounts_for_prices(company: Company, runner: Runner) -> None:
    load = runner.load(bill(company, "UB-1"), stream="bills")
    assert load.outcomes == [("UB-1", "created")], load.reasons
    assert load.error is None
    header, lines = made(company, "bills", load)
    assert (header["Type"], header["AmountFC"]) == (30, 157.3)
    assert (header["ReportingYear"], header["ReportingPeriod"]) == (2026, 3)
    assert [(line["AmountFC"], line["Quantity"]) for line in lines] == [(100, 4), (30, 1)]


def test_credit_of_a_supplier_is_negative_at_exact(company: Company, runner: Runner) -> None:
    record = bill(company, "UB-2", type="accounts_payable_credit")
    load = runner.load(record, stream="bills")
    assert load.outcomes == [("UB-2", "created")], load.reasons
    assert load.error is None
    header, lines = made(company, "bills", load)
    assert (header["Type"], header["AmountFC"]) == (31, -157.3)
    assert [line["AmountFC"] for line in lines] == [-100, -30]


def entry(name: str, **fields: Any) -> dict[str, Any]:
    return {
        "reference": name,
        "journal_symbol": "90",
        "title": "Afschrijving",
        "posted_at": "2026-03-31",
        "accounting_period": "2026-03",
        "currency": "EUR",
        "status": "approved",
        "line_items": [
            {"type": "debit", "total_amount": 100, "ledger_account": {"code": "4500"}},
            {"type": "credit", "total_amount": 100, "ledger_account": "0100",
             "description": "Activa"},
        ],
        **fields,
    }  # fmt: skip


def test_journal_entry_has_sides(company: Company, runner: Runner) -> None:
    load = runner.load(entry("UJ-1"), stream="journal_entries")
    assert load.outcomes == [("UJ-1", "created")], load.reasons
    header, lines = made(company, "journal_entries", load)
    assert (header["FinancialYear"], header["FinancialPeriod"]) == (2026, 3)
    assert [line["AmountFC"] for line in lines] == [100, -100]
    assert [line["Description"] for line in lines] == ["Afschrijving", "Activa"]
    assert {str(line["Date"])[:10] for line in lines} == {"2026-03-31"}
    assert runner.load(entry("UJ-1"), stream="journal_entries").outcomes == [("UJ-1", "unchanged")]


LINE = {"type": "debit", "total_amount": 100, "ledger_account": {"code": "4500"}}


WRONG_ENTRIES: list[tuple[dict[str, Any], str]] = [
    ({"line_items": [LINE]}, "the lines do not balance"),
    (
        {"line_items": [{**LINE, "type": "left"}]},
        "line_items[1].type should be debit or credit, but is another word",
    ),
    ({"line_items": "none"}, "line_items should be a list of objects"),
    ({"line_items": None}, "line_items is missing"),
    ({"line_items": [{**LINE, "ledger_account": None}]}, "line_items[1].ledger_account"),
    (
        {"line_items": [{**LINE, "total_amount": "much"}]},
        "line_items[1].total_amount should be a number, but is 'much'",
    ),
    ({"line_items": [{**LINE, "credit": 4}]}, "'credit' is not a field of journal_entry_line"),
    ({"accounting_period": "March"}, "accounting_period should be a year and a period"),
    ({"title": "A", "line_items": [{**LINE, "description": "B"}]}, "title differs from"),
    ({"number": 5}, "number cannot be written: Exact Online fills it in"),
    ({"status": "posted"}, "status should be approved, which is what a new document becomes"),
    ({"reference": None}, "reference is missing"),
]


def test_wrong_entries_are_refused(company: Company, runner: Runner) -> None:
    records = [entry(f"UW-{number}", **fields) for number, (fields, _) in enumerate(WRONG_ENTRIES)]
    refuse(company, runner, "journal_entries", records, WRONG_ENTRIES)


def refuse(
    company: Company,
    runner: Runner,
    stream: str,
    records: list[dict[str, Any]],
    wrong: list[tuple[dict[str, Any], str]],
) -> None:
    """Load records, each of which is wrong in its own way."""
    load = runner.load(*records, stream=stream)
    assert [outcome for _, outcome in load.outcomes] == ["rejected"] * len(wrong)
    for found, (_, problem) in zip(load.reasons, wrong, strict=True):
        assert problem in str(found)
    assert company.calls("POST") == 0


WRONG_BILLS: list[tuple[dict[str, Any], str]] = [
    ({"total_tax": 26}, "total_tax is 26, but tax_amount of line_items comes to 27.3"),
    ({"sub_total": 129.99}, "sub_total is 129.99, but total_amount of line_items comes to"),
    ({"type": "invoice"}, "type should be bill or accounts_payable_credit"),
    ({"supplier": None}, "supplier is missing"),
    ({"journal": None}, "journal is missing"),
    ({"status": "paid"}, "status should be authorised"),
    ({"paid_date": "2026-03-04"}, "paid_date cannot be written"),
]


def test_wrong_bills_are_refused(company: Company, runner: Runner) -> None:
    records = [
        bill(company, f"UX-{number}", **fields) for number, (fields, _) in enumerate(WRONG_BILLS)
    ]
    refuse(company, runner, "bills", records, WRONG_BILLS)


def test_price_and_amount_of_a_bill_have_to_agree(company: Company, runner: Runner) -> None:
    record = bill(company, "UB-4")
    record["line_items"][0]["total_amount"] = 99
    load = runner.load(record, stream="bills")
    assert "line_items[1].unit_price and quantity come to 100.00, but total_amount is 99" in reason(
        load
    )


def test_deleted_record_deletes_its_document(company: Company, runner: Runner) -> None:
    runner.load(invoice(company, "UI-11"), stream="invoices")
    gone = {"reference": "UI-11", "_sdc_deleted_at": "2026-06-25T10:00:00Z"}
    load = runner.load(gone, stream="invoices", hard_delete=True)
    assert load.outcomes == [("UI-11", "deleted")]
    assert not company.invoices("UI-11")


def test_row_of_another_company_is_copied_by_its_codes(company: Company, runner: Runner) -> None:
    customer, item = codes(company)
    elsewhere = "6b2f0e9c-0000-4000-8000-000000000001"
    record = {
        **invoice(company, "UI-12"),
        "id": elsewhere,
        "company_id": company.division + 1,
        "number": 20260001,
        "status": "paid",
        "customer": {"id": elsewhere, "display_id": customer},
        "line_items": [
            {
                "id": elsewhere,
                "item": {"id": elsewhere, "code": item},
                "quantity": 2,
                "unit_price": 5,
            }
        ],
    }
    del record["sub_total"], record["total"], record["total_tax"]
    load = runner.load(record, stream="invoices")
    assert load.outcomes == [("UI-12", "created")], load.reasons
    header, lines = made(company, "invoices", load)
    assert header["InvoiceID"] != elsewhere
    assert header["OrderedBy"] == header["InvoiceTo"] == company.customer
    assert [line["Item"] for line in lines] == [company.items[0]]


def test_rejected_record_is_kept_as_it_came(company: Company, runner: Runner) -> None:
    record = invoice(company, "UI-13", customer={"display_id": "no such"})
    assert runner.load(record, stream="invoices").outcomes == [("UI-13", "rejected")]
    store = Store(runner.settings["store_url"])
    (posting,) = store.read(sa.select(postings).where(postings.c.reference == "UI-13"))
    assert json.loads(store.decrypt(posting.record, secret=False) or "") == record
    store.close()
