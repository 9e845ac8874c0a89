"""Generate items, warehouses, and accounts with contacts, addresses and bank accounts."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from exactonline_sandbox.books.references import (
    ACCOUNTS,
    ADDRESSES,
    CONTACTS,
    ITEMS,
    PROJECTS,
    UNITS,
    WAREHOUSES,
)
from exactonline_sandbox.books.users import vat_number
from exactonline_sandbox.clock import UTC
from exactonline_sandbox.data import words
from exactonline_sandbox.data.ledgers import gl_account

if TYPE_CHECKING:
    from exactonline_sandbox.books.profile import Profile
    from exactonline_sandbox.books.tables import Row
    from exactonline_sandbox.data.maker import Maker

ITEM_GROUPS = "logistics/ItemGroups"
_UNITS = (
    ("pc", "Stuk", "O"), ("box", "Doos", "O"), ("hour", "Uur", "T"), ("kg", "Kilogram", "W"),
)  # fmt: skip
_GROUPS = (("GOED", "Handelsgoederen", "revenue_high"), ("DIEN", "Diensten", "revenue_services"))
_WAREHOUSES = (("1", "Hoofdmagazijn"), ("2", "Showroom 's-Graveland"))
_IN_EU = ("NL", "BE", "DE", "FR")
_CURRENCIES = {"US": "USD", "GB": "GBP"}
_LONG_AGO = datetime(2019, 2, 1, tzinfo=UTC)
_REVENUE = {"2": "revenue_high", "4": "revenue_low", "5": "revenue_abroad"}
_SOLD_PER = (("per uur", "hour"), ("per kg", "kg"))
_SERVICE_REVENUE = "revenue_services"
_SUPPLIERS_PER_CUSTOMER = 5
_FEWEST_SUPPLIERS = {True: 10, False: 4}
"""In full and in simple books."""


def fill_items(maker: Maker) -> None:
    """Make units, item groups, items with their prices, and warehouses."""
    for code, description, kind in _UNITS:
        maker.company.load(
            UNITS,
            {
                "ID": maker.guid(),
                "Code": code,
                "Description": description,
                "Active": True,
                "Type": kind,
                "Main": int(code == "pc"),
                "TimeUnit": "H" if kind == "T" else "",
            },
        )
    for code, description, revenue in _GROUPS:
        maker.load(
            ITEM_GROUPS,
            {
                "ID": maker.guid(),
                "Code": code,
                "Description": description,
                "GLRevenue": gl_account(maker, revenue),
                "GLCosts": gl_account(maker, "cost_of_goods"),
                "GLStock": gl_account(maker, "stock"),
                "IsDefault": int(code == "GOED"),
            },
        )
    for code, description in _WAREHOUSES:
        row = {"ID": maker.guid(), "Code": code, "Description": description}
        maker.load(WAREHOUSES, {**row, "Main": int(code == "1")})
    for number, goods in enumerate((*words.GOODS, *words.SERVICES), start=1):
        _fill_item(maker, number, *goods)


def _fill_item(maker: Maker, number: int, description: str, price: str, vat: str) -> None:
    service = number > len(words.GOODS)
    group = maker.company.table(ITEM_GROUPS).by_code("DIEN" if service else "GOED") or {}
    sales_price = Decimal(price)
    item = maker.load(
        ITEMS,
        {
            "ID": maker.guid(),
            "Code": f"{'D' if service else 'A'}-{number:04d}",
            "Description": description,
            "SearchCode": description.upper()[:20],
            "ExtraDescription": words.REMARKS[1] if number == 3 else None,  # noqa: PLR2004
            "Barcode": None if service else f"87{number:011d}",
            "Unit": next((unit for words_, unit in _SOLD_PER if words_ in description), "pc"),
            "UnitType": "T" if "per uur" in description else "O",
            "ItemGroup": group["ID"],
            "GLRevenue": gl_account(maker, _SERVICE_REVENUE if service else _REVENUE[vat]),
            "GLCosts": gl_account(maker, "cost_of_goods"),
            "GLStock": gl_account(maker, "stock"),
            "SalesVatCode": vat,
            "StandardSalesPrice": sales_price,
            "CostPriceStandard": (sales_price * Decimal("0.6")).quantize(Decimal("0.001")),
            "CostPriceCurrency": maker.company.profile.currency,
            "StartDate": date(2019, 1, 2),
            "IsSalesItem": True,
            "IsPurchaseItem": not service,
            "IsStockItem": not service,
            "IsFractionAllowedItem": "per kg" in description,
            "IsTime": int("per uur" in description),
            "NetWeightUnit": "kg",
            "SecurityLevel": 10,
        },
    )
    maker.load(
        "logistics/SalesItemPrices",
        {
            "ID": maker.guid(),
            "Item": item["ID"],
            "Currency": maker.company.profile.currency,
            "Price": sales_price,
            "Quantity": Decimal(1),
            "NumberOfItemsPerUnit": Decimal(1),
            "Unit": item["Unit"],
            "DefaultItemUnit": item["Unit"],
            "StartDate": date(2019, 1, 2),
        },
    )


def fill_accounts(maker: Maker, customers: int) -> None:
    """Make customers, a fifth as many suppliers, and their contacts, addresses and projects."""
    for number in range(customers):
        _fill_account(maker, number, is_supplier=False)
    fewest = _FEWEST_SUPPLIERS[maker.company.profile.detailed]
    for number in range(max(fewest, customers // _SUPPLIERS_PER_CUSTOMER)):
        _fill_account(maker, number, is_supplier=True)
    for number, account in enumerate(
        list(maker.company.table(ACCOUNTS).rows.values())[:4], start=1
    ):
        maker.load(
            PROJECTS,
            {
                "ID": maker.guid(),
                "Code": f"P{number:03d}",
                "Description": f"Inrichting {account['City']} fase {number}",
                "Account": account["ID"],
                "Manager": maker.user_id,
                "Type": 2,
                "StartDate": date(2023, number, 1),
                "BudgetedAmount": Decimal(5000 * number),
            },
        )


def _fill_account(maker: Maker, number: int, *, is_supplier: bool) -> None:
    rng = maker.rng
    full = maker.company.profile.detailed
    city, postcode, country = _place(maker, number) if full else _dutch_place(maker, number)
    created = None if number % 2 else maker.today - maker.rng.random() * (maker.today - _LONG_AGO)
    main = maker.guid()
    account = maker.load(
        ACCOUNTS,
        {
            "ID": maker.guid(),
            "Code": str((50_000 if is_supplier else 10_000) + number),
            "Name": _name(maker, number, is_supplier=is_supplier),
            "Status": "A" if is_supplier else "C",
            "Type": "A",
            "IsSupplier": is_supplier,
            "IsSales": not is_supplier,
            "IsPurchase": is_supplier,
            "Blocked": number % 41 == 40,  # noqa: PLR2004 - now and then
            "AddressLine1": f"{rng.choice(words.STREETS)} {rng.randrange(1, 300)}",
            "Postcode": postcode,
            "City": city,
            "Country": country,
            "Email": None if number % 7 == 3 else f"info{number}@example.com",  # noqa: PLR2004
            "Phone": None if number % 4 == 1 else f"+31 20 555 {number % 10_000:04d}",
            "Website": f"https://klant{number}.example.com" if number % 5 == 0 else None,
            "VATNumber": f"{country}{810_000_000 + number}B01" if country == "NL" else None,
            "ChamberOfCommerce": f"{50_000_000 + number}" if country == "NL" else None,
            "Language": "NL" if country in ("NL", "BE") else "DE",
            "SalesCurrency": "EUR",
            "PurchaseCurrency": "EUR",
            "PaymentConditionSales": None if is_supplier else rng.choice(("14", "30", "30", "60")),
            "PaymentConditionPurchase": "30" if is_supplier else None,
            "SalesVATCode": None if country == "NL" or is_supplier else "7",
            "CustomerSince": None if is_supplier else date(2019 + number % 5, 1 + number % 12, 1),
            "StartDate": date(2019, 1, 2),
            "CreditLineSales": Decimal(0),
            "DiscountSales": Decimal(0),
            "Remarks": words.REMARKS[number // 9 % 3] if number % 9 == 0 else None,
            "MainContact": main,
            "SecurityLevel": 10,
            "ConsolidationScenario": 6,
            "InvoicingMethod": 0,
        },
        created,
    )
    if full:
        values = _trade(maker.company.profile, number, country, is_supplier=is_supplier)
        maker.company.table(ACCOUNTS).change(account, values)
    _fill_account_details(maker, account, main, number)


def _dutch_place(maker: Maker, number: int) -> tuple[str, str, str]:
    return words.CITIES[0 if number % 3 else maker.rng.randrange(len(words.CITIES))]


def _place(maker: Maker, number: int) -> tuple[str, str, str]:
    """City, postcode and country: one of three accounts is abroad."""
    if number % 3 == 0:
        return words.FOREIGN_CITIES[number // 3 % len(words.FOREIGN_CITIES)]
    home = maker.company.profile.country
    cities = words.BELGIAN_CITIES if home == "BE" else words.CITIES[:10]
    return cities[maker.rng.randrange(len(cities))]


def _trade(profile: Profile, number: int, country: str, *, is_supplier: bool) -> Row:
    """Currency, VAT code and VAT number of an account, by its country."""
    currency = _CURRENCIES.get(country, "EUR")
    if country == profile.country and profile.currency != "EUR" and number % 2:
        currency = profile.currency
    values: Row = {
        "SalesCurrency": currency,
        "PurchaseCurrency": currency if currency == "EUR" else "USD",
        "Currency": currency,
    }
    business = country != "DE" or number // 12 % 2 == 0
    if is_supplier:
        values["PurchaseVATCode"] = _purchase_vat(profile, number, country)
    else:
        values["SalesVATCode"] = _sales_vat(profile, number, country, business=business)
        if number % 13 == 5:  # noqa: PLR2004 - now and then
            values["PaymentConditionSales"] = "31"
    if country in _IN_EU:
        number_of = vat_number(country, 810_000_000 + number)
        values["VATNumber"] = number_of if business or is_supplier else None
    return values


def _sales_vat(profile: Profile, number: int, country: str, *, business: bool) -> str | None:
    """The VAT code of sales to an account; None where it is that of the item."""
    if country == profile.country:
        return {9: "6", 8: "11"}.get(number % 10)
    if country not in _IN_EU:
        return "8"
    return ("9" if number % 4 == 0 else "7") if business else "30"


def _purchase_vat(profile: Profile, number: int, country: str) -> str | None:
    """The VAT code of purchases from an account; None where there is no reverse charge."""
    if country == profile.country:
        return "20" if number % 5 == 4 else None  # noqa: PLR2004 - now and then
    return "22" if country in _IN_EU else "21"


def _fill_account_details(maker: Maker, account: Row, main: str, number: int) -> None:
    """Make the contact, address and bank account of an account."""
    first, last = maker.rng.choice(words.FIRST_NAMES), maker.rng.choice(words.LAST_NAMES)
    created = account["Created"]
    maker.load(
        CONTACTS,
        {
            "ID": main,
            "Account": account["ID"],
            "FirstName": first,
            "LastName": last,
            "FullName": f"{first} {last}",
            "Initials": f"{first[0]}.",
            "Email": f"contact{number}@example.com",
            "IsMainContact": True,
            "IsMailingExcluded": False,
            "Language": "NL",
            "HID": maker.number("contact"),
            "StartDate": date(2019, 1, 2),
        },
        created,
    )
    maker.load(
        ADDRESSES,
        {
            "ID": maker.guid(),
            "Account": account["ID"],
            "AddressLine1": account["AddressLine1"],
            "Postcode": account["Postcode"],
            "City": account["City"],
            "Country": account["Country"],
            "Type": 4,
            "Main": True,
        },
        created,
    )
    maker.load(
        "crm/BankAccounts",
        {
            "ID": maker.guid(),
            "Account": account["ID"],
            "BankAccount": f"NL{10 + number % 89}INGB{number:010d}",
            "IBAN": f"NL{10 + number % 89}INGB{number:010d}",
            "BICCode": "INGBNL2A",
            "BankAccountHolderName": account["Name"],
            "Main": True,
            "Blocked": False,
            "Type": "A",
        },
        created,
    )


def _name(maker: Maker, number: int, *, is_supplier: bool) -> str:
    if not is_supplier and number % 4 == 3 and number // 4 < len(words.ODD_NAMES):  # noqa: PLR2004
        return words.ODD_NAMES[number // 4]
    core = words.COMPANY_CORES[number % len(words.COMPANY_CORES)]
    owner = maker.rng.choice(words.LAST_NAMES)
    return f"{core} {owner} {maker.rng.choice(words.COMPANY_FORMS)}".strip()
