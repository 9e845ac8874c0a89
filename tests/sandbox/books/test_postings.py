from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exactonline_sandbox import SandboxConfig, Switches
from exactonline_sandbox.books.company import Author
from exactonline_sandbox.business.editor import Editor
from exactonline_sandbox.business.entries import BANK_ENTRIES, GENERAL_ENTRIES
from exactonline_sandbox.business.invoices import INVOICES, print_invoice
from exactonline_sandbox.business.matching import Matches, MatchLine, MatchSet
from exactonline_sandbox.business.rows import change, create, remove
from exactonline_sandbox.data.changes import DayCounts, simulate_day
from exactonline_sandbox.errors import ApiError
from exactonline_sandbox.world import World
from tests.sandbox.books.invariants import (
    INVARIANTS,
    LINES,
    ZERO,
    matched_lines_leave_what_is_open,
    rows,
)

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 3, 4, 12, tzinfo=timezone.utc)
DUTCH, BELGIAN, DOLLARS = 1_700_001, 1_700_002, 1_700_003
SALES, PURCHASES = "salesentry/SalesEntries", "purchaseentry/PurchaseEntries"
RECEIVABLES = "cashflow/Receivables"


class Office:
    """Posts documents into full books."""

    def __init__(self, division: int = DUTCH, seed: int = 1, **switches: Any) -> None:
        config = SandboxConfig(
            seed=seed,
            invoices=20,
            clock=NOW,
            speed=0.0,
            books="full",
            divisions=3,
            switches=Switches(**switches),
        )
        self.company: Any = World(config).company(division)
        self.editor = Editor(self.company, Author(config.users[0].user_id, NOW))

    def account(self, **wanted: object) -> dict[str, Any]:
        return next(
            row
            for row in rows(self.company, "crm/Accounts")
            if all(row.get(name) == value for name, value in wanted.items())
        )

    def gl(self, role: str) -> str:
        return str(self.company.gl_accounts[role])

    def invoice(self, quantity: int = 3, **header: Any) -> dict[str, Any]:
        item = rows(self.company, "logistics/Items")[1]["ID"]
        lines = [{"Item": item, "Quantity": Decimal(quantity)} for _ in range(2)]
        made = create(self.editor, INVOICES, header, {"SalesInvoiceLines": lines})
        print_invoice(self.editor, {"InvoiceID": made["InvoiceID"]})
        return made

    def bill(self, amount: str, supplier: dict[str, Any], **more: Any) -> dict[str, Any]:
        line = {
            "GLAccount": self.gl("office"),
            "AmountFC": Decimal(amount),
            "VATCode": supplier.get("PurchaseVATCode", "2"),
        }
        header = {"Supplier": supplier["ID"], "Journal": "60", **more}
        return create(self.editor, PURCHASES, header, {"PurchaseEntryLines": [line]})

    def received(self, amount: Decimal, account: str, journal: str, **more: Any) -> dict[str, Any]:
        line = {"GLAccount": self.gl("debtors"), "AmountFC": amount, "Account": account, **more}
        header = {"JournalCode": journal}
        return create(self.editor, BANK_ENTRIES, header, {"BankEntryLines": [line]})

    def booked(self, number: int) -> list[dict[str, Any]]:
        found = [row for row in rows(self.company, LINES) if row["EntryNumber"] == number]
        assert sum(row["AmountDC"] for row in found) == 0
        assert sum(row["AmountFC"] for row in found) == 0
        return found

    def terms(self, number: int) -> list[dict[str, Any]]:
        return [row for row in rows(self.company, RECEIVABLES) if row["EntryNumber"] == number]

    def match(self, account: dict[str, Any], *entries: tuple[dict[str, Any], Decimal]) -> None:
        lines = []
        for entry, amount in entries:
            year = entry.get("ReportingYear") or entry["FinancialYear"]
            period = entry.get("ReportingPeriod") or entry["FinancialPeriod"]
            journal = entry.get("Journal") or entry["JournalCode"]
            lines.append(MatchLine(year, period, journal, entry["EntryNumber"], amount))
        code = self.company.table("financial/GLAccounts").get(self.gl("debtors"))["Code"]
        Matches(self.company).match(self.editor, MatchSet(code, account["Code"], tuple(lines)))

    def entry(self, invoice: dict[str, Any]) -> dict[str, Any]:
        (found,) = self.company.table(SALES).where("EntryNumber", invoice["InvoiceNumber"])
        return dict(found)

    def check(self) -> None:
        for holds in INVARIANTS:
            holds(self.company)


def test_an_invoice_in_dollars_is_booked_at_the_rate_of_its_day() -> None:
    office = Office()
    customer = office.account(Status="C", SalesCurrency="USD")
    invoice = office.invoice(OrderedBy=customer["ID"])
    entry = office.entry(invoice)
    (known,) = [
        row["Rate"]
        for row in rows(office.company, "financial/ExchangeRates")
        if row["SourceCurrency"] == "USD" and row["StartDate"].isoformat() == "2026-03-01"
    ]
    assert (invoice["Currency"], entry["Rate"]) == ("USD", known)
    expected = (invoice["AmountFC"] * known).quantize(Decimal("0.01"), "ROUND_HALF_UP")
    assert invoice["AmountDC"] == entry["AmountDC"] == expected != invoice["AmountFC"]
    header, *_ = office.booked(invoice["InvoiceNumber"])
    assert (header["Currency"], header["ExchangeRate"]) == ("USD", known)
    (term,) = office.terms(invoice["InvoiceNumber"])
    assert (term["AmountFC"], term["AmountDC"]) == (invoice["AmountFC"], expected)
    office.check()


def test_an_invoice_of_another_day_and_currency_is_converted_again() -> None:
    office = Office()
    customer = office.account(Status="C", SalesCurrency="USD")
    item = rows(office.company, "logistics/Items")[1]["ID"]
    made = create(
        office.editor,
        INVOICES,
        {"OrderedBy": customer["ID"]},
        {"SalesInvoiceLines": [{"Item": item, "Quantity": Decimal(7)}]},
    )
    change(office.editor, INVOICES, made, {"Currency": "EUR"})
    assert made["AmountDC"] == made["AmountFC"]
    change(office.editor, INVOICES, made, {"Currency": "GBP"})
    assert made["AmountDC"] != made["AmountFC"]
    day = datetime(2026, 1, 9, tzinfo=timezone.utc).date()
    print_invoice(office.editor, {"InvoiceID": made["InvoiceID"], "InvoiceDate": day})
    assert office.entry(made)["AmountDC"] == made["AmountDC"]
    office.check()


@pytest.mark.parametrize(("sign", "quantity"), [("kept", 2), ("negated", -2)])
def test_a_credit_note_is_of_type_21(sign: str, quantity: int) -> None:
    office = Office(credit_note_sign=sign)
    customer = office.account(Status="C", Country="NL", SalesVATCode=None)
    invoice = office.invoice(2, OrderedBy=customer["ID"], Type=8021)
    lines = rows(office.company, "salesinvoice/SalesInvoiceLines")
    assert {line["Quantity"] for line in lines if line["InvoiceID"] == invoice["InvoiceID"]} == {
        Decimal(quantity)
    }
    assert office.entry(invoice)["Type"] == 21
    booked = office.booked(invoice["InvoiceNumber"])
    assert {row["Type"] for row in booked} == {21}
    assert {row.get("VATType") for row in booked} == {None, "Z", "X"}
    office.check()


def test_a_bill_with_reverse_charge_is_to_pay_and_to_claim() -> None:
    office = Office()
    supplier = office.account(IsSupplier=True, PurchaseVATCode="22")
    bill = office.bill("1000.00", supplier)
    assert (bill["AmountFC"], bill["VATAmountFC"], bill["Type"]) == (Decimal("1000.00"), 0, 30)
    by_type = {row.get("VATType"): row for row in office.booked(bill["EntryNumber"])}
    assert by_type["I"]["AmountFC"] == 1000
    assert by_type["O"]["AmountFC"] == 210
    assert by_type["P"]["AmountFC"] == -210
    assert by_type["P"]["AmountVATBaseFC"] == 1000
    assert {by_type[letter]["LineNumber"] for letter in "OP"} == {9999}
    assert by_type["O"]["GLAccount"] == office.gl("vat_claim_charged")
    assert by_type["P"]["GLAccount"] == office.gl("vat_charged")


def test_a_bill_below_zero_is_a_credit_note() -> None:
    office = Office()
    supplier = office.account(IsSupplier=True, Country="NL", PurchaseVATCode=None)
    bill = office.bill("-50.00", supplier)
    assert bill["Type"] == 31
    assert {row.get("VATType") for row in office.booked(bill["EntryNumber"])} == {None, "W", "Q"}
    office.check()


def test_a_changed_bill_is_booked_anew_and_a_deleted_one_goes() -> None:
    office = Office()
    supplier = office.account(IsSupplier=True, PurchaseCurrency="USD")
    bill = office.bill("80.00", supplier)
    before = {row["ID"] for row in office.booked(bill["EntryNumber"])}
    (line,) = office.company.table("purchaseentry/PurchaseEntryLines").where(
        "EntryID", bill["EntryID"]
    )
    change(office.editor, "purchaseentry/PurchaseEntryLines", line, {"AmountFC": Decimal(95)})
    after = office.booked(bill["EntryNumber"])
    assert not before & {row["ID"] for row in after}
    assert bill["AmountFC"] == 95
    january = datetime(2026, 1, 15, tzinfo=timezone.utc).date()
    change(office.editor, PURCHASES, bill, {"EntryDate": january})
    assert (bill["ReportingYear"], bill["ReportingPeriod"]) == (2026, 1)
    office.check()
    remove(office.editor, PURCHASES, bill)
    assert not office.booked(bill["EntryNumber"])
    office.check()


def test_closed_years_take_no_entries() -> None:
    office = Office()
    supplier = office.account(IsSupplier=True, Country="NL")
    late = datetime(2024, 12, 31, tzinfo=timezone.utc).date()
    with pytest.raises(ApiError, match="Period 2024 - 12: closed"):
        office.bill("10.00", supplier, EntryDate=late)
    with pytest.raises(ApiError, match="Period 2023 - 4: closed"):
        office.bill("10.00", supplier, ReportingYear=2023, ReportingPeriod=4)
    line = {"GLAccount": office.gl("office"), "AmountFC": ZERO, "Date": late}
    with pytest.raises(ApiError, match="closed"):
        create(
            office.editor,
            GENERAL_ENTRIES,
            {"JournalCode": "90"},
            {"GeneralJournalEntryLines": [line]},
        )
    customer = office.account(Status="C", Country="NL")
    with pytest.raises(ApiError, match="closed"):
        office.invoice(OrderedBy=customer["ID"], InvoiceDate=late)


def test_the_switch_closes_periods_for_entries_too() -> None:
    office = Office(closed_until="2026-03")
    supplier = office.account(IsSupplier=True, Country="NL")
    with pytest.raises(ApiError, match="Period 2026 - 3: closed"):
        office.bill("10.00", supplier)
    office.company.switches.closed_until = ""
    bill = office.bill("10.00", supplier)
    office.company.switches.closed_until = "2026-03"
    with pytest.raises(ApiError, match="closed"):
        change(office.editor, PURCHASES, bill, {"YourRef": "other"})
    with pytest.raises(ApiError, match="closed"):
        remove(office.editor, PURCHASES, bill)


def test_a_broken_year_is_that_in_which_it_ends() -> None:
    office = Office(BELGIAN)
    supplier = office.account(IsSupplier=True, Country="BE")
    bill = office.bill("10.00", supplier)
    assert (bill["ReportingYear"], bill["ReportingPeriod"]) == (2026, 9)
    assert str(bill["EntryNumber"]).startswith("2660")
    day = datetime(2025, 7, 1, tzinfo=timezone.utc).date()
    bill = office.bill("10.00", supplier, EntryDate=day)
    assert (bill["ReportingYear"], bill["ReportingPeriod"]) == (2026, 1)


def test_money_is_an_open_item_until_it_is_matched() -> None:
    office = Office()
    customer = office.account(Status="C", Country="NL")
    invoice = office.invoice(OrderedBy=customer["ID"])
    entry = office.entry(invoice)
    amount = invoice["AmountFC"]
    bank = office.received(amount, customer["ID"], "20")
    (money,) = office.terms(bank["EntryNumber"])
    assert (money["AmountDC"], money["IsFullyPaid"]) == (-amount, False)
    office.check()
    part = (amount / 3).quantize(Decimal("0.01"))
    office.match(customer, (entry, part), (bank, -part))
    assert sorted(
        (term["AmountDC"], term["IsFullyPaid"]) for term in office.terms(entry["EntryNumber"])
    ) == sorted([(part, True), (amount - part, False)])
    for holds in INVARIANTS:
        if holds is not matched_lines_leave_what_is_open:  # the ledger shows whole matches alone
            holds(office.company)


def test_a_match_of_whole_items_closes_them() -> None:
    office = Office()
    customer = office.account(Status="C", Country="NL")
    invoice = office.invoice(OrderedBy=customer["ID"])
    entry, amount = office.entry(invoice), invoice["AmountFC"]
    bank = office.received(amount, customer["ID"], "20")
    office.match(customer, (entry, amount), (bank, -amount))
    for number in (entry["EntryNumber"], bank["EntryNumber"]):
        (term,) = office.terms(number)
        assert term["IsFullyPaid"]
        assert (term["EndYear"], term["EndPeriod"]) == (2026, 3)
    zero = office.booked(entry["EntryNumber"])[0]
    assert zero["ID"] in {row.get("OffsetID") for row in office.booked(bank["EntryNumber"])}


def test_a_payment_at_another_rate_leaves_a_difference_of_exchange() -> None:
    office = Office()
    customer = office.account(Status="C", SalesCurrency="USD")
    january = datetime(2026, 1, 9, tzinfo=timezone.utc).date()
    invoice = office.invoice(OrderedBy=customer["ID"], InvoiceDate=january)
    entry = office.entry(invoice)
    bank = office.received(invoice["AmountFC"], customer["ID"], "21")
    (money,) = office.terms(bank["EntryNumber"])
    assert bank["Currency"] == money["Currency"] == "USD"
    assert money["AmountFC"] == -invoice["AmountFC"]
    assert money["AmountDC"] != -invoice["AmountDC"]
    office.match(customer, (entry, entry["AmountDC"]), (bank, money["AmountDC"]))
    difference = [
        row
        for row in rows(office.company, LINES)
        if row["Type"] == 82 and row["Date"] == NOW.date()
    ]
    assert {row["AmountFC"] for row in difference} == {ZERO}
    assert sum(row["AmountDC"] for row in difference if "Account" in row) == -(
        entry["AmountDC"] + money["AmountDC"]
    )
    assert all(term["IsFullyPaid"] for term in office.terms(entry["EntryNumber"]))
    office.check()


def test_money_that_names_what_it_pays_is_matched_at_once() -> None:
    office = Office()
    customer = office.account(Status="C", SalesCurrency="USD")
    january = datetime(2026, 1, 9, tzinfo=timezone.utc).date()
    invoice = office.invoice(OrderedBy=customer["ID"], InvoiceDate=january)
    (term,) = office.terms(invoice["InvoiceNumber"])
    key, amount = term["TransactionID"], invoice["AmountFC"]
    part = (amount / 3).quantize(Decimal("0.01"))
    bank = office.received(part, customer["ID"], "21", OffsetID=key)
    assert not office.terms(bank["EntryNumber"])
    assert [row["IsFullyPaid"] for row in office.terms(invoice["InvoiceNumber"])] == [False, True]
    office.check()
    for wrong in ({"OffsetID": LINES}, {"OffsetID": key, "Account": office.account()["ID"]}):
        with pytest.raises(ApiError, match="Invalid reference: OffsetID"):
            office.received(Decimal(1), **{"account": customer["ID"], "journal": "21", **wrong})
    with pytest.raises(ApiError, match="Invalid reference: OffsetID"):
        office.received(amount, customer["ID"], "21", OffsetID=key)
    office.received(amount - part, customer["ID"], "21", OffsetID=key)
    assert all(row["IsFullyPaid"] for row in office.terms(invoice["InvoiceNumber"]))
    new = [row for row in rows(office.company, LINES) if row["Date"] == NOW.date()]
    assert len({row["EntryID"] for row in new if row["Type"] == 82}) == 2
    office.check()


def test_vat_lines_can_follow_the_others() -> None:
    office = Office(vat_line_number="next")
    numbers = [row["LineNumber"] for row in rows(office.company, LINES)]
    assert 9999 not in numbers


def test_who_posts_the_end_of_a_year_is_a_switch() -> None:
    def types(company: Any) -> set[int]:
        return {row["Type"] for row in rows(company, LINES)} & {326, 327, 328}

    assert types(Office(DUTCH).company) == set()
    assert types(Office(BELGIAN).company) == {326, 327, 328}
    assert types(Office(BELGIAN, posts_year_end=()).company) == set()
    office = Office(DUTCH, posts_year_end=("NL",))
    assert types(office.company) == {326, 327, 328}
    office.check()


def test_signs_in_the_feed_of_invoices_are_a_switch(start: Callable[..., Any]) -> None:
    api = start(switches=Switches(sync_sales_sign="negated"))
    columns = "InvoiceID,LineNumber,AmountFC,VATAmountDC,Type"
    path = f"sync/SalesInvoice/SalesInvoices?$select={columns}&$filter=Timestamp gt 1L"
    plain = {
        row["InvoiceID"]: row["AmountFC"]
        for row in api.rows("salesinvoice/SalesInvoices?$select=InvoiceID,AmountFC")
    }
    headers = [row for row in api.rows(path) if row["LineNumber"] == 0]
    assert {row["InvoiceID"]: row["AmountFC"] for row in headers} == {
        key: -amount for key, amount in plain.items()
    }
    api.server.control.switches(sync_sales_sign="same")
    headers = [row for row in api.rows(path) if row["LineNumber"] == 0]
    assert {row["InvoiceID"]: row["AmountFC"] for row in headers} == plain


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 10**6),
    division=st.sampled_from((DUTCH, BELGIAN, DOLLARS)),
    counts=st.builds(DayCounts, st.integers(0, 20), st.integers(0, 12), st.integers(0, 16)),
)
def test_all_holds_after_days_of_business(seed: int, division: int, counts: DayCounts) -> None:
    office = Office(division, seed=seed % 3)
    simulate_day(office.company, lambda: office.editor, seed, counts)
    office.check()
