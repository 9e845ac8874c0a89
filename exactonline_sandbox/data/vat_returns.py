"""Generate the VAT returns of full books: quarterly entries of type 50 that empty the accounts."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

from exactonline_sandbox.books import booking
from exactonline_sandbox.books.amounts import ZERO
from exactonline_sandbox.books.references import DOCUMENTS, GL_ACCOUNTS
from exactonline_sandbox.data.journal import Head, line, post
from exactonline_sandbox.data.routine import finished_periods
from exactonline_sandbox.data.statements import Transfer
from exactonline_sandbox.edm.values import wall_clock

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

    from exactonline_sandbox.data.maker import Maker

_QUARTER, _LAST = 3, 4
_FILED, _PAID = timedelta(days=18), timedelta(days=26)
_VAT = 24
_DOCUMENT = 55


def fill_vat_returns(maker: Maker) -> list[Transfer]:
    """File a return for each quarter that ended long enough ago; return what is paid for them.

    VAT of the one stop shop goes to an account of its own.
    """
    today = wall_clock(maker.today).date()
    movements = _movements(maker)
    transfers: list[Transfer] = []
    for year, period, end in finished_periods(maker):
        if period % _QUARTER == 0 and end + _FILED < today:
            quarter = period // _QUARTER
            for due, amount in _file(maker, (year, period), end, movements[year, quarter]):
                text = f"Btw {year}-{quarter}"
                transfers.append(Transfer(end + _PAID, due, -amount, text))
    return [item for item in transfers if item.day < today and item.amount]


def _movements(maker: Maker) -> dict[tuple[int, int], dict[str, Decimal]]:
    """What each VAT account moved, by financial year and quarter."""
    table = maker.company.table(GL_ACCOUNTS)
    accounts = {row["ID"] for row in table.where("Type", _VAT)}
    sums: dict[tuple[int, int], dict[str, Decimal]] = defaultdict(lambda: defaultdict(lambda: ZERO))
    for row in maker.company.table(booking.TRANSACTION_LINES).rows.values():
        if row["GLAccount"] in accounts:
            quarter = min((row["FinancialPeriod"] + _QUARTER - 1) // _QUARTER, _LAST)
            sums[row["FinancialYear"], quarter][row["GLAccount"]] += row["AmountDC"]
    return sums


def _file(
    maker: Maker, period: tuple[int, int], end: date, movements: dict[str, Decimal]
) -> list[tuple[str, Decimal]]:
    """Post a return; give what is due by it, by role of the account."""
    company = maker.company
    oss = company.gl_accounts["vat_oss"]
    due = {"vat_due": ZERO, "oss_due": ZERO}
    lines = []
    for account, amount in movements.items():
        lines.append({"GLAccount": account, "AmountFC": -amount, "AmountDC": -amount})
        due["oss_due" if account == oss else "vat_due"] -= amount
    lines += [line(maker, role, -amount) for role, amount in due.items()]
    created = maker.working_moment(end + _FILED)
    text = f"Btw-aangifte {period[0]} kwartaal {period[1] // _QUARTER}"
    document = maker.load(
        DOCUMENTS,
        {
            "ID": maker.guid(),
            "HID": maker.number("document"),
            "Type": _DOCUMENT,
            "Subject": text,
            "AmountFC": due["vat_due"],
            "Currency": company.profile.currency,
            "DocumentDate": end,
            "HasEmptyBody": True,
        },
        created,
    )
    head = Head(booking.VAT_RETURN, end, text, period, created)
    post(maker, head, lines, Document=document["ID"])
    return list(due.items())
