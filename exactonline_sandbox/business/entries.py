"""Financial entries: sales, purchase, bank, cash and general journal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exactonline_sandbox.books import booking
from exactonline_sandbox.books.amounts import ZERO, amounts, convert, totals
from exactonline_sandbox.books.rates import ONE, converted, rate
from exactonline_sandbox.books.references import (
    ACCOUNTS,
    DOCUMENTS,
    JOURNALS,
    VAT_CODES,
)
from exactonline_sandbox.business.editor import Editor, missing
from exactonline_sandbox.business.periods import check_open
from exactonline_sandbox.business.rules import Lines, Rules
from exactonline_sandbox.business.terms import check_offset, enter, insert_term
from exactonline_sandbox.errors import invalid

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from decimal import Decimal

    from exactonline_sandbox.books.tables import Row

BANK_ENTRIES = "financialtransaction/BankEntries"
CASH_ENTRIES = "financialtransaction/CashEntries"
GENERAL_ENTRIES = "generaljournalentry/GeneralJournalEntries"
_SIDES = {
    booking.SALES_ENTRIES: ("Customer", "SalesEntryLines", booking.SALE, (20, 21), "a sales"),
    booking.PURCHASE_ENTRIES: (
        "Supplier", "PurchaseEntryLines", booking.PURCHASE, (22, 23), "a purchase",
    ),
}  # fmt: skip
_CASH = {
    BANK_ENTRIES: ("BankEntryLines", (12, 16), "a bank", booking.CASH_FLOW),
    CASH_ENTRIES: ("CashEntryLines", (10,), "a cash", booking.CASH_FLOW),
    GENERAL_ENTRIES: ("GeneralJournalEntryLines", (90,), "a general", booking.GENERAL),
}
LINES_OF = {
    booking.SALES_ENTRIES: booking.SALES_ENTRY_LINES,
    booking.PURCHASE_ENTRIES: booking.PURCHASE_ENTRY_LINES,
    BANK_ENTRIES: "financialtransaction/BankEntryLines",
    CASH_ENTRIES: "financialtransaction/CashEntryLines",
    GENERAL_ENTRIES: "generaljournalentry/GeneralJournalEntryLines",
}
# Columns that the payment term copies from a changed entry.
_OF_TERM = (
    "Account", "AmountFC", "AmountDC", "Currency", "Description", "DueDate", "EntryDate",
    "InvoiceDate", "RateFC", "TransactionAmountDC", "TransactionAmountFC", "TransactionDueDate",
    "TransactionID", "TransactionReportingPeriod", "TransactionReportingYear", "TransactionType",
    "YourRef",
)  # fmt: skip
_REPORTING = ("ReportingYear", "ReportingPeriod")
_CREDIT = {booking.SALE: booking.SALES_CREDIT, booking.PURCHASE: booking.PURCHASE_CREDIT}


def _check_journal(editor: Editor, code: object, kinds: tuple[int, ...], name: str) -> None:
    journal = editor.find_code(JOURNALS, code)
    if journal is None or journal["Type"] not in kinds:
        raise invalid(f"Invalid journal. The journal must be {name} journal.")


# Sales and purchase entries


def _preparing(table: str) -> Callable[[Editor, Row, Lines], None]:
    party, navigation, kind, journals, journal_name = _SIDES[table]

    def prepare(editor: Editor, entry: Row, lines: Lines) -> None:
        rows = lines.get(navigation) or []
        if not rows:
            raise missing(navigation)
        account = editor.require(ACCOUNTS, entry[party], party)
        _check_journal(editor, entry["Journal"], journals, journal_name)
        day = entry.setdefault("EntryDate", editor.today)
        side = "Sales" if kind == booking.SALE else "Purchase"
        condition = account.get(f"PaymentCondition{side}") or "30"
        condition = entry.setdefault("PaymentCondition", condition)
        entry.setdefault("DueDate", booking.due_date(editor.company, condition, day))
        base = editor.company.profile.currency
        entry.setdefault("Currency", account.get(f"{side}Currency", base))
        _set_period(editor, entry, day, _REPORTING)
        check_open(editor.company, entry["ReportingYear"], entry["ReportingPeriod"])
        entry.setdefault("Rate", rate(editor.company, entry["Currency"], day))
        entry.setdefault("Reversal", False)
        if "EntryNumber" not in entry:
            entry["EntryNumber"] = booking.entry_number(editor.company, entry["Journal"], day)
        entry.setdefault("InvoiceNumber", entry["EntryNumber"])
        entry.update(Status=booking.OPEN)
        for line in rows:
            _fill_line(editor, line)
        entry["Type"] = _type(entry, rows, kind)
        entry.update(_converted(entry, rows))
        if kind == booking.PURCHASE and "Document" not in entry:
            entry["Document"] = _document(editor, entry, account)

    return prepare


def _set_period(editor: Editor, entry: Row, day: date, names: tuple[str, str]) -> None:
    """Set the financial year and period of an entry by its day, where none are given."""
    for name, value in zip(names, editor.company.profile.period_of(day), strict=True):
        entry.setdefault(name, value)


def _type(entry: Row, lines: list[Row], kind: int) -> int:
    """The type of an entry: as given, else a credit note where its total is negative."""
    credit = _CREDIT[kind]
    if entry.get("Type") in (kind, credit):
        return int(entry["Type"])
    total = sum((line["AmountFC"] + line["VATAmountFC"] for line in lines), ZERO)
    return credit if total < 0 else kind


def _fill_line(editor: Editor, line: Row) -> None:
    if "GLAccount" not in line:
        raise missing("GLAccount")
    vat_code = editor.find_code(VAT_CODES, line.get("VATCode"))
    net, vat = amounts(line.get("AmountFC", ZERO), vat_code)
    vat = line.get("VATAmountFC", vat)
    line.setdefault("Quantity", ONE)
    line.update(
        AmountFC=net,
        VATAmountFC=vat,
        VATBaseAmountFC=net,
        VATPercentage=None if vat_code is None else vat_code.get("Percentage"),
    )


def _converted(entry: Row, lines: list[Row]) -> Row:
    """Set the type of the lines and their amounts in the currency of the books.

    Returns:
        The amounts of the entry.
    """
    convert(lines, entry["Rate"])
    for line in lines:
        line.update(Type=entry["Type"], VATBaseAmountDC=line["AmountDC"])
    amounts = totals(lines)
    del amounts["AmountFCExclVat"]
    return amounts


def _document(editor: Editor, entry: Row, account: Row) -> str:
    document = {
        "ID": editor.guid(),
        "HID": editor.company.number("document"),
        "Type": 20,
        "Subject": entry.get("Description") or f"Inkoopfactuur {entry['EntryNumber']}",
        "Account": account["ID"],
        "AmountFC": entry["AmountFC"],
        "Currency": entry["Currency"],
        "DocumentDate": entry["EntryDate"],
        "FinancialTransactionEntryID": entry["EntryID"],
        "HasEmptyBody": True,
    }
    editor.insert(DOCUMENTS, document)
    return str(document["ID"])


def _booking(table: str) -> Callable[[Editor, Row], None]:
    kind = _SIDES[table][2]
    sale = kind == booking.SALE

    def created(editor: Editor, entry: Row) -> None:
        term = booking.term(entry, _book(editor, table, entry), editor.guid)
        insert_term(editor, term, booking.RECEIVABLE if sale else booking.PAYABLE)

    return created


def _book(editor: Editor, table: str, entry: Row) -> Row:
    """Make the transaction lines of an entry; return the header line."""
    lines = editor.where(LINES_OF[table], "EntryID", entry["EntryID"])
    rows = booking.ledger_lines(editor.company, entry, lines, editor.guid)
    editor.insert(booking.TRANSACTION_LINES, *rows)
    return rows[0]


def _rebooking(table: str) -> Callable[[Editor, Row], None]:
    """After a change of an entry or its lines: update totals, transaction lines and terms."""

    def changed(editor: Editor, row: Row) -> None:
        entry = editor.require(table, row["EntryID"], "EntryID")
        lines = editor.where(LINES_OF[table], "EntryID", entry["EntryID"])
        amounts = _converted(entry, lines)
        editor.company.table(LINES_OF[table]).edited()
        if row is not entry and editor.company.switches.line_touches_header:
            editor.update(table, entry, amounts)
        else:
            editor.company.table(table).change(entry, amounts)
        editor.delete(
            booking.TRANSACTION_LINES,
            editor.where(booking.TRANSACTION_LINES, "EntryID", entry["EntryID"]),
        )
        fresh = booking.term(entry, _book(editor, table, entry), editor.guid)
        for terms in (booking.RECEIVABLES, booking.PAYMENTS, booking.PAYMENT_TERMS):
            for term in editor.where(terms, "EntryID", entry["EntryID"]):
                changes = {name: fresh[name] for name in _OF_TERM}
                editor.update(terms, term, changes)

    return changed


def _changing(table: str) -> Callable[[Editor, Row, Row], None]:
    def changing(editor: Editor, row: Row, changes: Row) -> None:
        entry = editor.require(table, row["EntryID"], "EntryID")
        _refuse_processed(editor, entry)
        if row is entry:
            _change_period(editor, entry, changes)
        else:
            changes.pop("EntryID", None)
            whole = {**row, **changes}
            if not {"VATAmountFC"} & set(changes):
                whole.pop("VATAmountFC", None)
            _fill_line(editor, whole)
            changes.update({name: value for name, value in whole.items() if row.get(name) != value})

    return changing


def _change_period(editor: Editor, entry: Row, changes: Row) -> None:
    """Give an entry of another day or currency its year, period and rate, if none are given."""
    after = {**entry, **changes}
    if after["EntryDate"] != entry["EntryDate"]:
        _set_period(editor, changes, after["EntryDate"], _REPORTING)
    if any(after[name] != entry[name] for name in ("EntryDate", "Currency")):
        changes.setdefault("Rate", rate(editor.company, after["Currency"], after["EntryDate"]))
    check_open(editor.company, *({**entry, **changes}[name] for name in _REPORTING))


def _refuse_processed(editor: Editor, entry: Row) -> None:
    if entry["Status"] == booking.PROCESSED:
        raise invalid("The entry has been processed and can no longer be changed.")
    check_open(editor.company, entry["ReportingYear"], entry["ReportingPeriod"])


def _preparing_line(table: str) -> Callable[[Editor, Row, Lines], None]:
    def prepare(editor: Editor, line: Row, _lines: Lines) -> None:
        entry = editor.require(table, line.get("EntryID"), "EntryID")
        _refuse_processed(editor, entry)
        others = editor.where(LINES_OF[table], "EntryID", entry["EntryID"])
        line["LineNumber"] = max((row["LineNumber"] for row in others), default=0) + 1
        _fill_line(editor, line)

    return prepare


# Bank, cash and general journal entries


def _preparing_cash(table: str) -> Callable[[Editor, Row, Lines], None]:
    navigation, journals, journal_name, kind = _CASH[table]

    def prepare(editor: Editor, entry: Row, lines: Lines) -> None:
        rows = lines.get(navigation) or []
        if not rows:
            raise missing(navigation)
        _check_journal(editor, entry["JournalCode"], journals, journal_name)
        _fill_cash_lines(editor, rows)
        day = rows[0]["Date"]
        journal = editor.find_code(JOURNALS, entry["JournalCode"]) or {}
        entry.setdefault("Currency", journal.get("Currency", editor.company.profile.currency))
        _set_period(editor, entry, day, ("FinancialYear", "FinancialPeriod"))
        check_open(editor.company, entry["FinancialYear"], entry["FinancialPeriod"])
        if "EntryNumber" not in entry:
            entry["EntryNumber"] = booking.entry_number(editor.company, entry["JournalCode"], day)
        entry["Status"] = booking.OPEN
        _check_offsets(editor, entry, rows, -1 if kind == booking.CASH_FLOW else 1)
        total = sum((line["AmountFC"] for line in rows), ZERO)
        if kind == booking.GENERAL:
            _check_balance(entry, total)
            entry.setdefault("ExchangeRate", rate(editor.company, entry["Currency"], day))
            booking.convert_journal(rows, entry["ExchangeRate"])
        else:
            _check_balances(editor, table, entry, total)
            for line in rows:
                current = rate(editor.company, entry["Currency"], line["Date"])
                line.setdefault("ExchangeRate", current)
                line["AmountDC"] = converted(line["AmountFC"], line["ExchangeRate"])

    return prepare


def _fill_cash_lines(editor: Editor, lines: list[Row]) -> None:
    for line in lines:
        if "GLAccount" not in line:
            raise missing("GLAccount")
        line.setdefault("AmountFC", ZERO)
        line.setdefault("Date", editor.today)


def _check_offsets(editor: Editor, entry: Row, lines: list[Row], sign: int) -> None:
    """Refuse lines that name no open item by `OffsetID`, or pay more than is open of it."""
    paid: dict[str, Decimal] = {}
    for line in lines:
        key = line.get("OffsetID")
        if key is not None:
            paid[key] = paid.get(key, ZERO) + sign * line["AmountFC"]
            check_offset(editor, line, entry["Currency"], paid[key])


def _check_balance(entry: Row, total: Decimal) -> None:
    if total:
        raise invalid(f"The entry is not in balance: the difference is {total}.")
    entry.update(Type=booking.GENERAL, Reversal=entry.get("Reversal", False))


def _check_balances(editor: Editor, table: str, entry: Row, total: Decimal) -> None:
    earlier = editor.where(table, "JournalCode", entry["JournalCode"])
    last = max(earlier, key=lambda row: int(row["EntryNumber"]), default={})
    entry.setdefault("OpeningBalanceFC", last.get("ClosingBalanceFC", ZERO))
    opening = entry["OpeningBalanceFC"]
    if entry.setdefault("ClosingBalanceFC", opening + total) != opening + total:
        kind = "bank" if table == BANK_ENTRIES else "cash"
        raise invalid(
            f"Opening balance plus all {kind} entry lines should result in the closing balance"
        )


def _booking_cash(table: str) -> Callable[[Editor, Row], None]:
    def created(editor: Editor, entry: Row) -> None:
        lines = editor.where(LINES_OF[table], "EntryID", entry["EntryID"])
        dated = {**entry, "_day": lines[0]["Date"]}
        rows = booking.cash_lines(editor.company, dated, lines, _CASH[table][3], editor.guid)
        editor.insert(booking.TRANSACTION_LINES, *rows)
        for row in rows:
            enter(editor, row)

    return created


# All entries


def _removing(table: str) -> Callable[[Editor, Row], None]:
    def removing(editor: Editor, entry: Row) -> None:
        if entry["Status"] == booking.PROCESSED:
            raise invalid("Can't delete: the entry has been processed.")
        year, period = (
            entry.get(f"Reporting{name}") or entry[f"Financial{name}"]
            for name in ("Year", "Period")
        )
        check_open(editor.company, year, period)
        for other in (
            LINES_OF[table],
            booking.TRANSACTION_LINES,
            booking.RECEIVABLES,
            booking.PAYMENTS,
            booking.PAYMENT_TERMS,
        ):
            editor.delete(other, editor.where(other, "EntryID", entry["EntryID"]))

    return removing


def _refuse_line(_editor: Editor, _line: Row, _lines: Lines) -> None:
    raise invalid("Lines are created together with their entry.")


RULES = {
    **{
        table: Rules(
            required=("Journal", side[0]),
            prepare=_preparing(table),
            created=_booking(table),
            changing=_changing(table),
            changed=_rebooking(table),
            removing=_removing(table),
        )
        for table, side in _SIDES.items()
    },
    **{
        LINES_OF[table]: Rules(
            required=("EntryID", "GLAccount"),
            prepare=_preparing_line(table),
            created=_rebooking(table),
            changing=_changing(table),
            changed=_rebooking(table),
            removed=_rebooking(table),
        )
        for table in _SIDES
    },
    **{
        table: Rules(
            required=("JournalCode",),
            prepare=_preparing_cash(table),
            created=_booking_cash(table),
            removing=_removing(table),
        )
        for table in _CASH
    },
    **{LINES_OF[table]: Rules(prepare=_refuse_line) for table in _CASH},
}
