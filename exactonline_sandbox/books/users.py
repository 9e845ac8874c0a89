"""Rows of users and divisions, from the configuration."""

from __future__ import annotations

import uuid
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING

from exactonline_sandbox.books.descriptions import COUNTRIES, CURRENCIES
from exactonline_sandbox.config import FIRST_DIVISION
from exactonline_sandbox.edm.guids import EMPTY_GUID
from exactonline_sandbox.edm.values import wall_clock

if TYPE_CHECKING:
    from exactonline_sandbox.books.company import Company
    from exactonline_sandbox.books.profile import Profile
    from exactonline_sandbox.books.tables import Row
    from exactonline_sandbox.config import User

_CUSTOMERS = uuid.UUID("51d7cf0e-6a37-4a3f-9d5f-6f4c9a5a7a10")
_NAMES = (
    "De Gouden Krakeling B.V.",
    "Van Dijk & Zonen Groothandel B.V.",
    "Café-supplies 't Hoekje",
    "Fietsenfabriek Noord B.V.",
    "Bakkersland Oost B.V.",
    "Ateliers Crème Brûlée",
    "Houthandel De Eik B.V.",
    "Techniek Zuid-Holland B.V.",
)  # fmt: skip
_OPENED = date(2019, 1, 1)
_CREATED = datetime(2018, 12, 3, 9, 14, 27, 613000, tzinfo=timezone.utc)


def company_name(code: int) -> str:
    """The name of the company in a division."""
    number = code - FIRST_DIVISION
    name = _NAMES[number % len(_NAMES)]
    return name if number < len(_NAMES) else f"{name} ({number // len(_NAMES) + 1})"


def user_row(user: User) -> Row:
    """A user, as shown in the rows they created or modified."""
    return {"UserID": user.user_id, "FullName": user.name, "Email": user.email}


def me_row(user: User, current: int, now: datetime, offset: timedelta) -> Row:
    """The row of `Me`.

    Args:
        user: The user.
        current: Code of the division the user last worked in.
        now: Current time, in UTC.
        offset: Offset of the server's wall clock from UTC.
    """
    first, _, last = user.name.partition(" ")
    return {
        "CurrentDivision": current,
        "AccountingDivision": current,
        "DivisionCustomer": _customer(current),
        "DivisionCustomerCode": str(current % 10_000_000),
        "DivisionCustomerName": company_name(current),
        "CustomerCode": str(current % 10_000_000),
        "FullName": user.name,
        "FirstName": first,
        "LastName": last,
        "UserID": user.user_id,
        "UserName": user.email,
        "Email": user.email,
        "Language": "NL",
        "LanguageCode": "nl-NL",
        "Legislation": 1,
        "Gender": "O",
        "EmployeeID": EMPTY_GUID,
        "PackageCode": "EOLSANDBOX",
        "ServerTime": wall_clock(now).replace(microsecond=0).isoformat(),
        "ServerUtcOffset": int(offset.total_seconds()),
        "IsClientUser": True,
        "IsEmployeeSelfServiceUser": False,
        "IsMyFirmLiteUser": False,
        "IsMyFirmPortalUser": False,
        "IsStarterUser": False,
        "IsOEIMigrationMandatory": False,
    }


def division_row(
    code: int, current: int, started: datetime, company: Company | None, profile: Profile
) -> Row:
    """The row of a division, for every list of divisions.

    Args:
        code: Its code.
        current: The division of the call.
        started: Start of the sandbox; the latest `Modified` of a division.
        company: Its data, where they were generated.
        profile: Its country and currency.
    """
    number = code - FIRST_DIVISION + 1
    return {
        "Code": code,
        "Hid": number,
        "HID": number,
        "Description": company_name(code),
        "Customer": _customer(code),
        "CustomerCode": str(code % 10_000_000),
        "CustomerName": company_name(code),
        "Country": profile.country,
        "CountryDescription": COUNTRIES[profile.country],
        "Currency": profile.currency,
        "CurrencyDescription": CURRENCIES[profile.currency],
        "Legislation": profile.country,
        "LegislationDescription": COUNTRIES[profile.country],
        "Status": 1,
        "BlockingStatus": 0,
        "Current": code == current,
        "IsMainDivision": number == 1,
        "Main": number == 1,
        "IsDossierDivision": False,
        "IsPracticeDivision": False,
        "IsHRDivision": False,
        "AddressLine1": f"Keizersgracht {number}",
        "Postcode": "1015 CJ",
        "City": "Amsterdam",
        "Email": f"administratie{number}@example.com",
        "ChamberOfCommerceNumber": f"{30_000_000 + number}",
        "VATNumber": vat_number(profile.country, 800_000_000 + number),
        "SiretNumber": "",
        "StartDate": _OPENED,
        "Created": _CREATED,
        "Modified": max(_CREATED, min(started, _CREATED + timedelta(days=41))),
        **({"DivisionMoveDate": company.moved} if company and company.moved else {}),
    }


def vat_number(country: str, number: int) -> str:
    """A VAT number in the form of its country, from nine digits."""
    if country == "NL":
        return f"NL{number:09d}B01"
    return f"BE0{number:09d}" if country == "BE" else f"{country}{number:09d}"


def _customer(code: int) -> str:
    return str(uuid.uuid5(_CUSTOMERS, str(code)))
