"""Charts of accounts: ledger accounts by role, journals, and VAT codes.

The chart of simple books is a small Dutch one. Full books have about sixty accounts, Dutch or
Belgian by the country of the company; the roles and types are the same in both.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from exactonline_sandbox.data.csv_files import read_rows

if TYPE_CHECKING:
    from exactonline_sandbox.books.profile import Profile


@dataclass(frozen=True)
class GlAccount:
    """A ledger account."""

    role: str
    """What bookings use it for, such as `debtors`."""
    code: str
    description: str
    kind: int
    """Exact's type: 10 cash, 12 bank, 20 receivable, 22 payable, 24 VAT, 110 revenue, ..."""
    side: str
    """The side its balance is usually on: `D` or `C`."""
    balance: str
    """`B` for the balance sheet, `W` for profit and loss."""
    vat_box: str | None = None
    """The box of purchases in the Belgian VAT return."""
    rgs: str | None = None
    """Its classification in the scheme of the form of RGS."""
    own: str | None = None
    """Its classification in the scheme of the company's own."""


@dataclass(frozen=True)
class VatCode:
    """A VAT code."""

    code: str
    description: str
    rate: str
    """A fraction."""
    kind: str = "E"
    """Prices are `E` excluding or `I` including VAT."""
    use: str = "B"
    """For `S` sales, `P` purchases or `B` both."""
    pay: str = "vat_high"
    """Role of the account of VAT to pay."""
    claim: str = "vat_claim"
    """Role of the account of VAT to claim."""
    charged: bool = False
    """Reverse charge: the buyer books it to pay and to claim."""
    listing: str = "N"
    """EU sales listing: `L` goods, `S` services, `N` none."""
    oss: str | None = None
    """The country that the VAT is due in, by the one stop shop."""


@dataclass(frozen=True)
class Chart:
    """A chart of accounts."""

    accounts: tuple[GlAccount, ...]
    journals: tuple[tuple[str, str, int, str | None, int], ...]
    """Code, description, type, role of its account, and which of the company's currencies."""
    vat_codes: tuple[VatCode, ...]


_SIMPLE = Chart(
    tuple(
        GlAccount(*row)
        for row in (
            ("capital", "0500", "Eigen vermogen", 50, "C", "B"),
            ("cash", "1000", "Kas", 10, "D", "B"),
            ("bank", "1100", "Rekening-courant bank", 12, "D", "B"),
            ("debtors", "1300", "Debiteuren", 20, "D", "B"),
            ("vat_high", "1500", "Btw te betalen hoog", 24, "C", "B"),
            ("vat_low", "1501", "Btw te betalen laag", 24, "C", "B"),
            ("vat_claim", "1520", "Te vorderen btw", 24, "D", "B"),
            ("creditors", "1600", "Crediteuren", 22, "C", "B"),
            ("suspense", "2000", "Tussenrekening", 90, "D", "B"),
            ("stock", "3000", "Voorraad", 40, "D", "B"),
            ("wages", "4000", "Lonen en salarissen", 125, "D", "W"),
            ("housing", "4300", "Huisvestingskosten", 120, "D", "W"),
            ("office", "4500", "Kantoorkosten", 120, "D", "W"),
            ("cars", "4700", "Autokosten", 120, "D", "W"),
            ("bank_charges", "4800", "Bankkosten & provisies", 120, "D", "W"),
            ("cost_of_goods", "7000", "Inkoopwaarde goederen", 111, "D", "W"),
            ("revenue_high", "8000", "Omzet goederen hoog", 110, "C", "W"),
            ("revenue_low", "8010", "Omzet goederen laag", 110, "C", "W"),
            ("revenue_services", "8050", "Omzet diensten", 110, "C", "W"),
            ("revenue_abroad", "8090", "Omzet vrijgesteld en buitenland", 110, "C", "W"),
        )
    ),
    (
        ("10", "Kasboek", 10, "cash", 0),
        ("20", "Bank", 12, "bank", 0),
        ("60", "Inkoopboek", 22, "creditors", 0),
        ("70", "Verkoopboek", 20, "debtors", 0),
        ("90", "Memoriaal", 90, None, 0),
    ),
    (
        VatCode("0", "Geen btw", "0"),
        VatCode("2", "Btw hoog 21% exclusief", "0.21"),
        VatCode("3", "Btw hoog 21% inclusief", "0.21", "I"),
        VatCode("4", "Btw laag 9% exclusief", "0.09", pay="vat_low"),
        VatCode("5", "Vrijgesteld van btw", "0"),
        VatCode("7", "Levering binnen de EU, 0%", "0", listing="L"),
    ),
)
_JOURNALS = {
    "NL": (
        ("10", "Kasboek", 10, "cash", 0),
        ("20", "Bank", 12, "bank", 0),
        ("21", "Bank vreemde valuta 1", 12, "bank_1", 1),
        ("22", "Bank vreemde valuta 2", 12, "bank_2", 2),
        ("60", "Inkoopboek", 22, "creditors", 0),
        ("70", "Verkoopboek", 20, "debtors", 0),
        ("90", "Memoriaal", 90, None, 0),
    ),
    "BE": (
        ("10", "Kasboek", 10, "cash", 0),
        ("20", "Financieel dagboek", 12, "bank", 0),
        ("21", "Financieel dagboek vreemde munt 1", 12, "bank_1", 1),
        ("22", "Financieel dagboek vreemde munt 2", 12, "bank_2", 2),
        ("60", "Aankoopdagboek", 22, "creditors", 0),
        ("70", "Verkoopdagboek", 20, "debtors", 0),
        ("90", "Diverse posten", 90, None, 0),
    ),
}


def chart_of(profile: Profile) -> Chart:
    """The chart of a company."""
    return _full(profile.country.lower()) if profile.detailed else _SIMPLE


@cache
def _full(country: str) -> Chart:
    accounts = (
        GlAccount(
            role=row["role"],
            code=row[f"{country}_code"],
            description=row[f"{country}_description"],
            kind=int(row["type"]),
            side=row["side"],
            balance=row["balance"],
            vat_box=(row["be_vat"] or None) if country == "be" else None,
            rgs=row["rgs"],
            own=row["own"],
        )
        for row in read_rows("accounts")
    )
    codes = (
        VatCode(
            code=row["code"],
            description=row[f"{country}_description"],
            rate=row[f"{country}_rate"],
            kind=row["kind"],
            use=row["use"],
            pay=row["pay"],
            claim=row["claim"],
            charged=bool(row["charged"]),
            listing=row["listing"],
            oss=row["oss"] or None,
        )
        for row in read_rows("vat_codes")
    )
    ordered = sorted(accounts, key=lambda account: account.code)
    return Chart(tuple(ordered), _JOURNALS[country.upper()], tuple(codes))
