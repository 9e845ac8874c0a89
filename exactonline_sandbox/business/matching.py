"""Match open items: entries of one account on one ledger account that offset each other."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from exactonline_sandbox.books import booking
from exactonline_sandbox.books.amounts import ZERO
from exactonline_sandbox.books.references import ACCOUNTS, GL_ACCOUNTS
from exactonline_sandbox.business.entries import GENERAL_ENTRIES
from exactonline_sandbox.business.rows import create
from exactonline_sandbox.business.terms import open_terms, post_exchange_difference, settle
from exactonline_sandbox.errors import invalid

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from exactonline_sandbox.books.company import Company
    from exactonline_sandbox.books.tables import Row
    from exactonline_sandbox.business.editor import Editor

    Item: TypeAlias = tuple[str, str, str, int]
    """An open item: ledger account, account, journal and entry number."""

_WRITE_OFF_JOURNAL = "90"


@dataclass(frozen=True)
class MatchLine:
    """The matched amount of an entry; debit is positive."""

    year: int
    period: int
    journal: str
    entry: int
    amount: Decimal

    @property
    def name(self) -> str:
        """The line, as messages name it."""
        return (
            f"finyear={self.year} finperiod={self.period} journal={self.journal} entry={self.entry}"
        )


@dataclass(frozen=True)
class MatchSet:
    """Lines to match with each other; accounts are given by code."""

    gl_account: str
    account: str
    lines: tuple[MatchLine, ...]
    write_off: str | None = None
    """Code of the ledger account for the write-off."""

    @property
    def total(self) -> Decimal:
        """The difference."""
        return sum((line.amount for line in self.lines), ZERO)


class Matches:
    """The match sets of a company."""

    def __init__(self, company: Company) -> None:
        """Start with the payments of the generated books."""
        self.sets: list[MatchSet] = []
        self._matched: dict[Item, Decimal] = defaultdict(lambda: ZERO)
        for made in _generated(company):
            self._keep(made)

    def match(self, editor: Editor, wanted: MatchSet) -> None:
        """Match the lines of a set, and book the write-off.

        Raises:
            ApiError: 500 for an invalid set.
        """
        ledger = editor.find_code(GL_ACCOUNTS, wanted.gl_account)
        account = editor.find_code(ACCOUNTS, wanted.account)
        if ledger is None:
            raise invalid(f"GLAccount {wanted.gl_account}: not found!")
        if ledger.get("Type") not in (booking.RECEIVABLE, booking.PAYABLE):
            raise invalid(f"GLAccount {wanted.gl_account}: not of the type debtors or creditors")
        if account is None:
            raise invalid(f"Account {wanted.account}: not found!")
        if len(wanted.lines) < (1 if wanted.write_off else 2):
            raise invalid("Mandatory: MatchLine")
        for line in wanted.lines:
            self._check(editor, wanted, line, (ledger, account))
        if wanted.total:
            parties = (ledger, account)
            wanted = _exchanged(editor, wanted, parties) or _written_off(editor, wanted, parties)
        self._keep(wanted)
        self._settle(editor, wanted, (ledger, account))

    def _check(
        self, editor: Editor, wanted: MatchSet, line: MatchLine, parties: tuple[Row, Row]
    ) -> None:
        """Check that this amount of an entry is open."""
        found = _booked(editor.company, line, parties)
        if not found or editor.company.is_closed(line.year, line.period):
            raise invalid(
                f"Payment term: GLAccount={wanted.gl_account} Account={wanted.account} "
                f"{line.name} Not found!"
            )
        total = sum((row["AmountDC"] for row in found), ZERO)
        left = total - self._matched[_item(wanted, line)]
        if line.amount * left <= 0 or abs(line.amount) > abs(left):
            raise invalid(f"Payment term: {line.name}: {left} is open, not {line.amount}")

    def _keep(self, made: MatchSet) -> None:
        self.sets.append(made)
        for line in made.lines:
            self._matched[_item(made, line)] += line.amount

    def _settle(self, editor: Editor, made: MatchSet, parties: tuple[Row, Row]) -> None:
        """Close what is matched of the terms, and note in the ledger what belongs together."""
        ledger, account = parties
        booked = [(line, _booked(editor.company, line, parties)) for line in made.lines]
        day = max(row["Date"] for _, rows in booked for row in rows)
        closed = booking.closed_by(day, max((line.year, line.period) for line in made.lines))
        kind = booking.PAYABLE if ledger["Type"] == booking.PAYABLE else booking.RECEIVABLE
        for line, rows in booked:
            terms = [
                term
                for term in open_terms(editor, kind, "EntryID", rows[0]["EntryID"])
                if (term["GLAccount"], term["Account"]) == (ledger["ID"], account["ID"])
            ]
            amount = line.amount if kind == booking.RECEIVABLE else -line.amount
            settle(editor, kind, terms, {"AmountDC": amount}, closed)
        target = booked[0][1][0]["ID"]
        for line, rows in booked[1:]:
            whole = sum((row["AmountDC"] for row in rows), ZERO)
            if self._matched[_item(made, line)] == whole:
                for row in rows:
                    if "OffsetID" not in row and row["ID"] != target:
                        editor.update(booking.TRANSACTION_LINES, row, {"OffsetID": target})


def _generated(company: Company) -> Iterator[MatchSet]:
    """The match sets of generated books: what refers to a transaction line by `OffsetID`."""
    lines = company.table(booking.TRANSACTION_LINES)
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in lines.rows.values():
        if "OffsetID" in row:
            groups[row["OffsetID"]].append(row)
    for key, rows in groups.items():
        target = lines.get(key) or {}
        ledger = company.table(GL_ACCOUNTS).get(target.get("GLAccount"))
        account = company.table(ACCOUNTS).get(target.get("Account"))
        if ledger is not None and account is not None:
            total = sum((row["AmountDC"] for row in rows), ZERO)
            others = (_match_line(row, row["AmountDC"]) for row in rows)
            yield MatchSet(ledger["Code"], account["Code"], (_match_line(target, -total), *others))


def _match_line(row: Row, amount: Decimal) -> MatchLine:
    return MatchLine(
        row["FinancialYear"],
        row["FinancialPeriod"],
        row["JournalCode"],
        row["EntryNumber"],
        amount,
    )


def _booked(company: Company, line: MatchLine, parties: tuple[Row, Row]) -> list[Row]:
    """The transaction lines of a match line."""
    ledger, account = parties
    return [
        row
        for row in company.table(booking.TRANSACTION_LINES).where("EntryNumber", line.entry)
        if row["JournalCode"] == line.journal
        and row["FinancialYear"] == line.year
        and row["FinancialPeriod"] == line.period
        and row.get("GLAccount") == ledger["ID"]
        and row.get("Account") == account["ID"]
    ]


def _written_off(editor: Editor, wanted: MatchSet, parties: tuple[Row, Row]) -> MatchSet:
    """Book the difference, and add that entry to the set."""
    ledger, account = parties
    offset = editor.find_code(GL_ACCOUNTS, wanted.write_off)
    if offset is None:
        raise invalid(f"The amounts do not add up to zero: {wanted.total} is left")
    party = {"GLAccount": ledger["ID"], "Account": account["ID"], "AmountFC": -wanted.total}
    entry = create(
        editor,
        GENERAL_ENTRIES,
        {"JournalCode": _WRITE_OFF_JOURNAL},
        {
            "GeneralJournalEntryLines": [
                party,
                {"GLAccount": offset["ID"], "AmountFC": wanted.total},
            ]
        },
    )
    line = MatchLine(
        entry["FinancialYear"],
        entry["FinancialPeriod"],
        entry["JournalCode"],
        entry["EntryNumber"],
        -wanted.total,
    )
    return replace(wanted, lines=(*wanted.lines, line))


def _exchanged(editor: Editor, wanted: MatchSet, parties: tuple[Row, Row]) -> MatchSet | None:
    """Post the difference of exchange of lines that cancel each other in their own currency.

    Returns:
        The set with that entry; None where the difference is another.
    """
    company = editor.company
    found = [(line, _booked(company, line, parties)) for line in wanted.lines]
    rows = [row for _, booked in found for row in booked]
    currency = rows[0]["Currency"]
    if (
        currency == company.profile.currency
        or "exchange_results" not in company.gl_accounts
        or any(row["Currency"] != currency for row in rows)
        or sum((row["AmountFC"] for row in rows), ZERO)
        or any(line.amount != sum(row["AmountDC"] for row in booked) for line, booked in found)
    ):
        return None
    ledger, account = parties
    party = {"GLAccount": ledger["ID"], "Account": account["ID"]}
    row = post_exchange_difference(editor, party, currency, -wanted.total)
    return replace(wanted, lines=(*wanted.lines, _match_line(row, -wanted.total)))


def _item(match_set: MatchSet, line: MatchLine) -> Item:
    return (match_set.gl_account, match_set.account, line.journal, line.entry)
