"""Generate ledger accounts, journals, VAT codes, payment conditions and cost centres."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from exactonline_sandbox.books.references import (
    CONDITIONS,
    COST_CENTRES,
    COST_UNITS,
    GL_ACCOUNTS,
    JOURNALS,
    VAT_CODES,
)

if TYPE_CHECKING:
    from exactonline_sandbox.data.maker import Maker

# Code, description, type, side (D or C), balance sheet (B) or result (W).
_GL_ACCOUNTS = (
    ("0500", "Eigen vermogen", 90, "C", "B"),
    ("1000", "Kas", 10, "D", "B"),
    ("1100", "Rekening-courant bank", 12, "D", "B"),
    ("1300", "Debiteuren", 20, "D", "B"),
    ("1500", "Btw te betalen hoog", 24, "C", "B"),
    ("1501", "Btw te betalen laag", 24, "C", "B"),
    ("1520", "Te vorderen btw", 24, "D", "B"),
    ("1600", "Crediteuren", 22, "C", "B"),
    ("2000", "Tussenrekening", 26, "D", "B"),
    ("3000", "Voorraad", 30, "D", "B"),
    ("4000", "Lonen en salarissen", 120, "D", "W"),
    ("4300", "Huisvestingskosten", 120, "D", "W"),
    ("4500", "Kantoorkosten", 120, "D", "W"),
    ("4700", "Autokosten", 120, "D", "W"),
    ("4800", "Bankkosten & provisies", 120, "D", "W"),
    ("7000", "Inkoopwaarde goederen", 111, "D", "W"),
    ("8000", "Omzet goederen hoog", 110, "C", "W"),
    ("8010", "Omzet goederen laag", 110, "C", "W"),
    ("8050", "Omzet diensten", 110, "C", "W"),
    ("8090", "Omzet vrijgesteld en buitenland", 110, "C", "W"),
)
# Code, description, type, ledger account.
_JOURNALS = (
    ("10", "Kasboek", 10, "1000"),
    ("20", "Bank", 12, "1100"),
    ("60", "Inkoopboek", 22, "1600"),
    ("70", "Verkoopboek", 20, "1300"),
    ("90", "Memoriaal", 90, None),
)
# Code, description, percentage, type (E excluding, I including VAT), account to pay it from.
_VAT_CODES = (
    ("0", "Geen btw", "0", "E", "1500"),
    ("2", "Btw hoog 21% exclusief", "0.21", "E", "1500"),
    ("3", "Btw hoog 21% inclusief", "0.21", "I", "1500"),
    ("4", "Btw laag 9% exclusief", "0.09", "E", "1501"),
    ("5", "Vrijgesteld van btw", "0", "E", "1500"),
    ("7", "Levering binnen de EU, 0%", "0", "E", "1500"),
)
_RATES = {
    "0.21": (("0.19", date(2001, 1, 1), date(2012, 9, 30)), ("0.21", date(2012, 10, 1), None)),
    "0.09": (("0.06", date(2001, 1, 1), date(2018, 12, 31)), ("0.09", date(2019, 1, 1), None)),
    "0": (("0", date(2001, 1, 1), None),),
}
_CONDITIONS = (
    ("00", "Contant", 0),
    ("14", "14 dagen netto", 14),
    ("30", "30 dagen netto", 30),
    ("60", "60 dagen netto", 60),
)
_COST_CENTRES = (("VERK", "Verkoop"), ("MAG", "Magazijn"), ("ADM", "Administratie"))
_COST_UNITS = (("NOORD", "Regio Noord"), ("ZUID", "Regio Zuid"))
_CLASSIFICATIONS = (
    ("BIva", "Immateriële vaste activa"),
    ("BVrd", "Voorraden"),
    ("BVor", "Vorderingen"),
    ("WOmz", "Netto-omzet"),
    ("WKpr", "Kostprijs van de omzet"),
    ("WBed", "Overige bedrijfskosten"),
)


def fill_ledgers(maker: Maker) -> None:
    """Make ledger accounts, classifications, journals, VAT codes and conditions."""
    for code, description, kind, side, balance in _GL_ACCOUNTS:
        maker.load(
            GL_ACCOUNTS,
            {
                "ID": maker.guid(),
                "Code": code,
                "Description": description,
                "SearchCode": description.upper()[:20],
                "Type": kind,
                "BalanceSide": side,
                "BalanceType": balance,
                "IsBlocked": False,
                "Matching": kind in (20, 22),
                "Compress": False,
                "RevalueCurrency": False,
            },
        )
    for code, description in _CLASSIFICATIONS:
        maker.load(
            "financial/GLClassifications",
            {
                "ID": maker.guid(),
                "Code": code,
                "Name": code,
                "Description": description,
                "Balance": "debit" if code[0] == "B" else "credit",
                "Abstract": False,
                "Nillable": True,
                "PeriodType": "instant" if code[0] == "B" else "duration",
            },
        )
    _fill_journals(maker)
    _fill_vat(maker)
    _fill_conditions(maker)


def gl_account(maker: Maker, code: str) -> str:
    """The key of a ledger account, by its code."""
    row = maker.company.table(GL_ACCOUNTS).by_code(code)
    if row is None:
        raise LookupError(code)
    return str(row["ID"])


def _fill_journals(maker: Maker) -> None:
    for code, description, kind, account in _JOURNALS:
        maker.load(
            JOURNALS,
            {
                "ID": maker.guid(),
                "Code": code,
                "Description": description,
                "Type": kind,
                "Currency": "EUR",
                "GLAccount": gl_account(maker, account) if account else None,
                "BankAccountIBAN": "NL91ABNA0417164300" if code == "20" else None,
                "BankAccountBICCode": "ABNANL2A" if code == "20" else None,
                "IsBlocked": False,
                "AllowVAT": code in ("60", "70"),
                "AllowVariableCurrency": False,
                "AllowVariableExchangeRate": False,
                "AutoSave": False,
                "PaymentServiceProvider": 0,
            },
        )


def _fill_vat(maker: Maker) -> None:
    for code, description, percentage, kind, account in _VAT_CODES:
        row = maker.load(
            VAT_CODES,
            {
                "ID": maker.guid(),
                "Code": code,
                "Description": description,
                "Percentage": Decimal(percentage),
                "Type": kind,
                "VATTransactionType": "B",
                "VatDocType": "P",
                "CalculationBasis": 1,
                "GLToPay": gl_account(maker, account),
                "GLToClaim": gl_account(maker, "1520"),
                "EUSalesListing": "L" if code == "7" else "N",
                "IntraStat": code == "7",
                "IsBlocked": False,
                "Charged": False,
            },
        )
        for number, (rate, start, end) in enumerate(_RATES[percentage], start=1):
            maker.load(
                "vat/VatPercentages",
                {
                    "ID": maker.guid(),
                    "VATCodeID": row["ID"],
                    "LineNumber": number,
                    "Percentage": Decimal(rate),
                    "StartDate": start,
                    "EndDate": end,
                    "Type": 0,
                },
            )


def _fill_conditions(maker: Maker) -> None:
    for code, description, days in _CONDITIONS:
        maker.load(
            CONDITIONS,
            {
                "ID": maker.guid(),
                "Code": code,
                "Description": description,
                "PaymentDays": days,
                "PaymentMethod": "B" if days else "K",
                "Percentage": Decimal(1),
                "PaymentEndOfMonths": 0,
            },
        )
    for table, rows in ((COST_CENTRES, _COST_CENTRES), (COST_UNITS, _COST_UNITS)):
        for code, description in rows:
            values = {"ID": maker.guid(), "Code": code, "Description": description}
            maker.load(table, {**values, "Active": True} if table == COST_CENTRES else values)
