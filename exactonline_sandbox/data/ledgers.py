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
from exactonline_sandbox.data.chart import chart_of

if TYPE_CHECKING:
    from exactonline_sandbox.data.chart import VatCode
    from exactonline_sandbox.data.maker import Maker

_RATES = {
    "0.21": (("0.19", date(2001, 1, 1), date(2012, 9, 30)), ("0.21", date(2012, 10, 1), None)),
    "0.09": (("0.06", date(2001, 1, 1), date(2018, 12, 31)), ("0.09", date(2019, 1, 1), None)),
}
_CONDITIONS = (
    ("00", "Contant", 0),
    ("14", "14 dagen netto", 14),
    ("30", "30 dagen netto", 30),
    ("60", "60 dagen netto", 60),
)
_DISCOUNTED = ("31", "30 dagen netto, 2% binnen 8 dagen", 30, 8, Decimal("0.02"))
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
_MATCHED = (20, 22)
_IBANS = {"NL": ("NL91ABNA0417164300", "ABNANL2A"), "BE": ("BE68539007547034", "GKCCBEBB")}
_BANK = 12


def fill_ledgers(maker: Maker) -> None:
    """Make ledger accounts, classifications, journals, VAT codes and conditions."""
    for account in chart_of(maker.company.profile).accounts:
        row = maker.load(
            GL_ACCOUNTS,
            {
                "ID": maker.guid(),
                "Code": account.code,
                "Description": account.description,
                "SearchCode": account.description.upper()[:20],
                "Type": account.kind,
                "BalanceSide": account.side,
                "BalanceType": account.balance,
                "IsBlocked": False,
                "Matching": account.kind in _MATCHED,
                "Compress": False,
                "RevalueCurrency": account.role in ("bank_1", "bank_2"),
                "VATGLAccountType": account.vat_box,
            },
        )
        maker.company.gl_accounts[account.role] = str(row["ID"])
    if not maker.company.profile.detailed:
        for code, description in _CLASSIFICATIONS:
            fill_classification(maker, code, description)
    _fill_journals(maker)
    _fill_vat(maker)
    _fill_conditions(maker)


def fill_classification(maker: Maker, code: str, description: str, **more: str | None) -> str:
    """Make a classification of ledger accounts; return its key."""
    sheet = code[0] in "BAP"
    row = maker.load(
        "financial/GLClassifications",
        {
            "ID": maker.guid(),
            "Code": code,
            "Name": code,
            "Description": description,
            "Balance": "debit" if sheet else "credit",
            "Abstract": False,
            "Nillable": True,
            "PeriodType": "instant" if sheet else "duration",
            **more,
        },
    )
    return str(row["ID"])


def gl_account(maker: Maker, role: str) -> str:
    """The key of a ledger account, by its role in the chart."""
    return maker.company.gl_accounts[role]


def _fill_journals(maker: Maker) -> None:
    profile = maker.company.profile
    iban, bic = _IBANS[profile.country]
    for code, description, kind, role, currency in chart_of(profile).journals:
        maker.load(
            JOURNALS,
            {
                "ID": maker.guid(),
                "Code": code,
                "Description": description,
                "Type": kind,
                "Currency": (profile.currency, *profile.foreign)[currency],
                "GLAccount": gl_account(maker, role) if role else None,
                "BankAccountIBAN": iban if kind == _BANK else None,
                "BankAccountBICCode": bic if kind == _BANK else None,
                "IsBlocked": False,
                "AllowVAT": code in ("60", "70"),
                "AllowVariableCurrency": bool(profile.foreign) and code in ("60", "70", "90"),
                "AllowVariableExchangeRate": bool(profile.foreign) and code in ("60", "90"),
                "AutoSave": False,
                "PaymentServiceProvider": 0,
            },
        )


def _fill_vat(maker: Maker) -> None:
    profile = maker.company.profile
    for code in chart_of(profile).vat_codes:
        row = maker.load(VAT_CODES, _vat_row(maker, code))
        history = _RATES.get(code.rate) if profile.country == "NL" and not code.oss else None
        rates = history or ((code.rate, date(2001, 1, 1), None),)
        for number, (rate, start, end) in enumerate(rates, start=1):
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


def _vat_row(maker: Maker, code: VatCode) -> dict[str, object]:
    return {
        "ID": maker.guid(),
        "Code": code.code,
        "Description": code.description,
        "Percentage": Decimal(code.rate),
        "Type": code.kind,
        "VATTransactionType": code.use,
        "VatDocType": "P",
        "CalculationBasis": 1,
        "GLToPay": gl_account(maker, code.pay),
        "GLToClaim": gl_account(maker, code.claim),
        "EUSalesListing": code.listing,
        "IntraStat": code.listing == "L",
        "IsBlocked": False,
        "Charged": code.charged,
        "OssCountry": code.oss,
        "Country": maker.company.profile.country if maker.company.profile.detailed else None,
    }


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
    if maker.company.profile.detailed:
        code, description, days, discount_days, discount = _DISCOUNTED
        maker.load(
            CONDITIONS,
            {
                "ID": maker.guid(),
                "Code": code,
                "Description": description,
                "PaymentDays": days,
                "PaymentMethod": "B",
                "Percentage": Decimal(1),
                "PaymentEndOfMonths": 0,
                "DiscountPaymentDays": discount_days,
                "DiscountPercentage": discount,
            },
        )
    for table, rows in ((COST_CENTRES, _COST_CENTRES), (COST_UNITS, _COST_UNITS)):
        for code, description in rows:
            values = {"ID": maker.guid(), "Code": code, "Description": description}
            maker.load(table, {**values, "Active": True} if table == COST_CENTRES else values)
