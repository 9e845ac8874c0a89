"""What holds in all books, whatever their seed: read from the tables of a company alone."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from exactonline_sandbox.reports.tables import report_table

if TYPE_CHECKING:
    from collections.abc import Callable

ZERO = Decimal(0)
LINES = "financialtransaction/TransactionLines"
_YEAR_END = (327, 328)


def rows(company: Any, table: str) -> list[dict[str, Any]]:
    return list(company.table(table).rows.values())


def ledger(company: Any) -> list[dict[str, Any]]:
    """All lines but those that close and open all accounts, which cancel each other."""
    return [row for row in rows(company, LINES) if row["Type"] not in _YEAR_END]


def accounts(company: Any, *kinds: int) -> set[str]:
    return {row["ID"] for row in rows(company, "financial/GLAccounts") if row["Type"] in kinds}


def period_of(row: dict[str, Any]) -> tuple[int, int]:
    return row["FinancialYear"], row["FinancialPeriod"]


def entries_balance_in_both_currencies(company: Any) -> None:
    sums: dict[str, list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
    currencies: dict[str, set[str]] = defaultdict(set)
    periods: dict[str, set[tuple[int, int]]] = defaultdict(set)
    for row in rows(company, LINES):
        sums[row["EntryID"]][0] += row["AmountDC"]
        sums[row["EntryID"]][1] += row["AmountFC"]
        currencies[row["EntryID"]].add(row["Currency"])
        periods[row["EntryID"]].add(period_of(row))
    assert set(map(tuple, sums.values())) == {(ZERO, ZERO)}
    assert all(len(found) == 1 for found in currencies.values())
    assert all(len(found) == 1 for found in periods.values())


def amounts_are_cents(company: Any) -> None:
    for row in rows(company, LINES):
        for column in ("AmountDC", "AmountFC"):
            assert row[column] == row[column].quantize(Decimal("0.01"))


def lines_of_other_currencies_are_converted(company: Any) -> None:
    """Every document is worth its amount at the rate of its entry, to the cent."""
    base = company.profile.currency
    for table in ("salesentry/SalesEntries", "purchaseentry/PurchaseEntries"):
        for entry in rows(company, table):
            expected = (entry["AmountFC"] * entry["Rate"]).quantize(
                Decimal("0.01"), "ROUND_HALF_UP"
            )
            assert entry["AmountDC"] == expected
            assert (entry["Rate"] == 1) == (entry["Currency"] == base)


def open_items_are_the_ledger_at_every_period(company: Any) -> None:
    periods = sorted({period_of(row) for row in rows(company, LINES)})
    for table, kind, sign in (("cashflow/Receivables", 20, 1), ("cashflow/Payments", 22, -1)):
        control = accounts(company, kind)
        moved: dict[tuple[int, int], Decimal] = defaultdict(lambda: ZERO)
        opened: dict[tuple[int, int], Decimal] = defaultdict(lambda: ZERO)
        for row in ledger(company):
            if row["GLAccount"] in control:
                moved[period_of(row)] += row["AmountDC"]
        for term in rows(company, table):
            began = (term["TransactionReportingYear"], term["TransactionReportingPeriod"])
            opened[began] += sign * term["AmountDC"]
            if "EndYear" in term:
                opened[term["EndYear"], term["EndPeriod"]] -= sign * term["AmountDC"]
        assert set(opened) <= set(periods)
        balance = items = ZERO
        for period in periods:
            balance += moved[period]
            items += opened[period]
            assert balance == items, (table, period)


def open_items_are_the_ledger_at_every_day(company: Any) -> None:
    for table, kind, sign in (("cashflow/Receivables", 20, 1), ("cashflow/Payments", 22, -1)):
        control = accounts(company, kind)
        change: dict[Any, Decimal] = defaultdict(lambda: ZERO)
        for row in ledger(company):
            if row["GLAccount"] in control:
                change[row["Date"]] += row["AmountDC"]
        for term in rows(company, table):
            change[term["EntryDate"]] -= sign * term["AmountDC"]
            if "LastPaymentDate" in term:
                change[term["LastPaymentDate"]] += sign * term["AmountDC"]
        assert set(change.values()) <= {ZERO}


def payment_terms_are_both_lists(company: Any) -> None:
    terms = {row["ID"]: row for row in rows(company, "sync/Cashflow/PaymentTerms")}
    both = [("cashflow/Receivables", 20), ("cashflow/Payments", 22)]
    listed = {row["ID"]: (row, kind) for table, kind in both for row in rows(company, table)}
    assert terms.keys() == listed.keys()
    for key, (row, kind) in listed.items():
        term = {
            name: value
            for name, value in terms[key].items()
            if name not in ("Timestamp", "LineType", "Created", "Modified")
        }
        assert terms[key]["LineType"] == kind
        assert {name: row.get(name) for name in term} == term
        assert ("EndYear" in row) == row["IsFullyPaid"] == (row["Status"] == 50)


def matched_lines_leave_what_is_open(company: Any) -> None:
    """What refers to a line by `OffsetID`, and the line, add up to the open part of its terms."""
    control = accounts(company, 20, 22)
    left: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for row in ledger(company):
        if row["GLAccount"] in control:
            left[row.get("OffsetID", row["ID"])] += row["AmountDC"]
    for table, sign in (("cashflow/Receivables", 1), ("cashflow/Payments", -1)):
        for term in rows(company, table):
            if not term["IsFullyPaid"]:
                left[term["TransactionID"]] -= sign * term["AmountDC"]
    assert set(left.values()) <= {ZERO}


def invoices_are_their_lines_and_the_ledger(company: Any) -> None:
    invoiced: dict[str, list[Decimal]] = defaultdict(lambda: [ZERO] * 4)
    columns = ("AmountFC", "VATAmountFC", "AmountDC", "VATAmountDC")
    for line in rows(company, "salesinvoice/SalesInvoiceLines"):
        for at, column in enumerate(columns):
            invoiced[line["InvoiceID"]][at] += line[column]
    booked = _booked_sales(company)
    for invoice in rows(company, "salesinvoice/SalesInvoices"):
        net, vat, net_books, vat_books = invoiced[invoice["InvoiceID"]]
        assert invoice["AmountFCExclVat"] == net
        assert invoice["AmountFC"] == net + vat
        assert invoice["VATAmountFC"] == vat
        assert invoice["AmountDC"] == net_books + vat_books
        if invoice["Status"] == 50:
            expected = [net_books, vat_books, invoice["AmountDC"]]
            assert booked.pop(invoice["InvoiceNumber"]) == expected
    assert not booked


def _booked_sales(company: Any) -> dict[int, list[Decimal]]:
    """Revenue, VAT and receivable of each sales entry, by its number."""
    booked: dict[int, list[Decimal]] = defaultdict(lambda: [ZERO] * 3)
    groups = ((accounts(company, 110), -1), (accounts(company, 24), -1), (accounts(company, 20), 1))
    for row in ledger(company):
        if row["Type"] in (20, 21):
            for at, (group, sign) in enumerate(groups):
                if row["GLAccount"] in group:
                    booked[row["EntryNumber"]][at] += sign * row["AmountDC"]
    return booked


def entries_are_the_ledger(company: Any) -> None:
    """Sales and purchase entries: header, lines and line 0 of the ledger say the same."""
    zeros = {row["EntryID"]: row for row in rows(company, LINES) if row["LineNumber"] == 0}
    for header, detail, sign in (
        ("salesentry/SalesEntries", "salesentry/SalesEntryLines", 1),
        ("purchaseentry/PurchaseEntries", "purchaseentry/PurchaseEntryLines", -1),
    ):
        sums: dict[str, Decimal] = defaultdict(lambda: ZERO)
        for line in rows(company, detail):
            sums[line["EntryID"]] += line["AmountDC"] + line["VATAmountDC"]
        for entry in rows(company, header):
            assert sums[entry["EntryID"]] == entry["AmountDC"]
            line = zeros[entry["EntryID"]]
            assert line["AmountDC"] == sign * entry["AmountDC"]
            assert line["AmountFC"] == sign * entry["AmountFC"]
            assert line["Type"] == entry["Type"]
            assert period_of(line) == (entry["ReportingYear"], entry["ReportingPeriod"])


def bank_statements_follow_each_other_and_the_ledger(company: Any) -> None:
    balances: dict[str, Decimal] = {}
    for entry in sorted(
        rows(company, "financialtransaction/BankEntries"), key=lambda row: row["EntryNumber"]
    ):
        if entry["JournalCode"] in balances:
            assert entry["OpeningBalanceFC"] == balances[entry["JournalCode"]]
        balances[entry["JournalCode"]] = entry["ClosingBalanceFC"]
    journals = {row["Code"]: row for row in rows(company, "financial/Journals")}
    for code, closing in balances.items():
        account = journals[code]["GLAccount"]
        booked = (row["AmountFC"] for row in ledger(company) if row["GLAccount"] == account)
        assert sum(booked, ZERO) == closing


def vat_accounts_are_empty_after_a_return(company: Any) -> None:
    vat = accounts(company, 24)
    filed = {period_of(row) for row in ledger(company) if row["Type"] == 50}
    for year, period in filed:
        through = (year, 13 if period == 12 else period)
        for account in vat:
            booked = (
                row["AmountDC"]
                for row in ledger(company)
                if row["GLAccount"] == account and period_of(row) <= through
            )
            assert sum(booked, ZERO) == ZERO, (year, period)


def vat_lines_are_their_base_at_the_rate_of_their_code(company: Any) -> None:
    """VAT of an entry is within a cent a line of base times percentage."""
    codes = {row["Code"]: row for row in rows(company, "vat/VATCodes")}
    count: dict[tuple[str, str], int] = defaultdict(int)
    for row in rows(company, LINES):
        if row["LineNumber"] not in (0, 9999):
            count[row["EntryID"], row.get("VATCode", "")] += 1
    seen = set()
    for row in rows(company, LINES):
        if row["LineNumber"] == 9999:
            code = codes[row["VATCode"]]
            seen.add(row["VATType"])
            vat = row["AmountFC"] * (-1 if row["VATType"] in ("P", "Y") else 1)
            expected = row["AmountVATBaseFC"] * code["Percentage"]
            lines = count[row["EntryID"], row["VATCode"]]
            assert abs(vat - expected) <= Decimal("0.03") * max(lines, 1)
            assert code["Charged"] or row["VATType"] in "AXOQ"
    assert seen <= set("AXOPQY")


def openings_are_the_closings_before(company: Any) -> None:
    """A year that is opened by an entry starts with what the one before ended with."""
    sheet = {
        row["ID"] for row in rows(company, "financial/GLAccounts") if row["BalanceType"] == "B"
    }
    opened: dict[int, dict[str, Decimal]] = defaultdict(lambda: defaultdict(lambda: ZERO))
    for row in rows(company, LINES):
        if row["Type"] == 328:
            assert row["FinancialPeriod"] == 1
            opened[row["FinancialYear"]][row["GLAccount"]] += row["AmountDC"]
    for year, balances in opened.items():
        closing: dict[str, Decimal] = defaultdict(lambda: ZERO)
        for row in ledger(company):
            if row["FinancialYear"] < year:
                closing[row["GLAccount"]] += row["AmountDC"]
        assert {key: value for key, value in closing.items() if value} == {
            key: value for key, value in balances.items() if value
        }
        assert set(balances) <= sheet


def periods_have_their_days(company: Any) -> None:
    """Lines belong to the period of their date, but for late bills and the thirteenth period."""
    spans = {
        (row["FinYear"], row["FinPeriod"]): (row["StartDate"], row["EndDate"])
        for row in rows(company, "financial/FinancialPeriods")
    }
    late = set()
    for row in rows(company, LINES):
        start, end = spans[period_of(row)]
        if not start <= row["Date"] <= end:
            late.add(row["EntryID"])
    assert len(late) <= 1


def every_account_is_mapped_once_in_each_scheme(company: Any) -> None:
    schemes = {row["ID"] for row in rows(company, "financial/GLSchemes")}
    mapped = [
        (row["GLSchemeID"], row["GLAccount"])
        for row in rows(company, "financial/GLAccountClassificationMappings")
    ]
    every = {
        (scheme, row["ID"]) for scheme in schemes for row in rows(company, "financial/GLAccounts")
    }
    assert len(mapped) == len(set(mapped))
    assert set(mapped) == every


def reports_are_the_ledger(company: Any) -> None:
    """Balances, opening balances and lists of open items say what the lines say."""
    today = max(row["Date"] for row in rows(company, LINES))
    year, _ = company.profile.period_of(today)

    def report(name: str) -> list[dict[str, Any]]:
        return list(report_table(name, company, today).rows.values())

    balances: dict[tuple[Any, ...], Decimal] = defaultdict(lambda: ZERO)
    for row in rows(company, LINES):
        year_of, period = period_of(row)
        balances[year_of, period, row["GLAccount"], row["Type"]] += row["AmountDC"]
    for row in report("financial/ReportingBalance"):
        key = (row["ReportingYear"], row["ReportingPeriod"], row["GLAccount"], row["Type"])
        balances[key] -= row["Amount"]
    assert set(balances.values()) <= {ZERO}
    opening = report("openingbalance/CurrentYear/AfterEntry")
    assert sum((row["Amount"] for row in opening), ZERO) == ZERO
    before: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for row in ledger(company):
        if row["FinancialYear"] < year:
            before[row["GLAccount"]] += row["AmountDC"]
    retained = company.gl_accounts["result"]
    assert {row["GLAccount"]: row["Amount"] for row in opening if row["GLAccount"] != retained} == {
        row["ID"]: before[row["ID"]]
        for row in rows(company, "financial/GLAccounts")
        if row["BalanceType"] == "B" and row["ID"] != retained and before[row["ID"]]
    }
    for name, kind, sign in (("Receivables", 20, 1), ("Payables", 22, -1)):
        control = accounts(company, kind)
        booked = (row["AmountDC"] for row in ledger(company) if row["GLAccount"] in control)
        total = sign * sum(booked, ZERO)
        listed = report(f"read/financial/{name}List")
        assert sum((row["Amount"] for row in listed), ZERO) == total
        ageing = report(f"read/financial/Aging{name}List")
        assert sum((row["TotalAmount"] for row in ageing), ZERO) == total


INVARIANTS: tuple[Callable[[Any], None], ...] = (
    entries_balance_in_both_currencies,
    amounts_are_cents,
    lines_of_other_currencies_are_converted,
    open_items_are_the_ledger_at_every_period,
    open_items_are_the_ledger_at_every_day,
    payment_terms_are_both_lists,
    matched_lines_leave_what_is_open,
    invoices_are_their_lines_and_the_ledger,
    entries_are_the_ledger,
    bank_statements_follow_each_other_and_the_ledger,
    vat_accounts_are_empty_after_a_return,
    vat_lines_are_their_base_at_the_rate_of_their_code,
    openings_are_the_closings_before,
    periods_have_their_days,
    every_account_is_mapped_once_in_each_scheme,
    reports_are_the_ledger,
)
OF_FULL_BOOKS = (
    bank_statements_follow_each_other_and_the_ledger,
    periods_have_their_days,
    reports_are_the_ledger,
)
"""What simple books have no opening balance, no financial periods and no retained earnings for."""
