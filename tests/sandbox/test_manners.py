"""Forms of addresses, headers and bodies, as recorded or documented."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree as ET

import pytest
import requests

from exactonline_sandbox import Switches

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sandbox.conftest import Api

INVOICES = "salesinvoice/SalesInvoices"
NOBODY = "00000000-0000-4000-8000-000000000000"
EDM = "{http://schemas.microsoft.com/ado/2008/09/edm}"

# Bodies


def test_json_is_laid_out_with_lines_and_blanks(shared: Api) -> None:
    answer = shared.get("financial/Journals?$select=Code,IsBlocked,Type&$top=1")
    assert answer.headers["Content-Type"] == "application/json;charset=utf-8"
    row = answer.json()["d"][0]
    assert answer.text == (
        '{\r\n"d" : [\r\n{\r\n"__metadata": {\r\n'
        f'"uri": "{row["__metadata"]["uri"]}", "type": "Exact.Web.Api.Models.Journal"\r\n'
        f'}}, "Code": "{row["Code"]}", "IsBlocked": false, "Type": {row["Type"]}\r\n'
        "}\r\n]\r\n}"
    )


def test_pages_counts_links_and_errors_are_laid_out_alike(shared: Api) -> None:
    text = shared.get(f"{INVOICES}?$select=SalesInvoiceLines&$inlinecount=allpages").text
    assert text.startswith('{\r\n"d" : {\r\n"__count": "150", "results": [\r\n{\r\n"__metadata"')
    assert '}, "SalesInvoiceLines": {\r\n"__deferred": {\r\n"uri": "http' in text
    assert '\r\n}\r\n], "__next": "http' in text
    assert shared.get("manufacturing/ShopOrders").text == (
        '{\r\n"d" : {\r\n"results": [\r\n\r\n]\r\n}\r\n}'
    )
    assert shared.get("crm/Accounts?$top=x").text.startswith(
        '{\r\n"error": {\r\n"code": "", "message": {\r\n"lang": "", "value": "'
    )


@pytest.mark.parametrize(
    ("layout", "shown"), [("wire", b"Caf\\u00e9"), ("compact", "Café".encode())]
)
def test_characters_beyond_ascii_are_escaped(
    start: Callable[..., Api], layout: str, shown: bytes
) -> None:
    api = start(switches=Switches(json_layout=layout))
    key = api.create("crm/Accounts", {"Name": 'Café "☕" \\ \t'})["ID"]
    answer = api.get(f"crm/Accounts?$filter=ID eq guid'{key}'&$top=5&$select=Name")
    assert answer.json()["d"][0]["Name"] == 'Café "☕" \\ \t'
    assert shown in answer.content
    assert (b"\r\n" in answer.content) == (layout == "wire")


def test_properties_come_in_the_order_of_their_class(shared: Api) -> None:
    row = shared.rows("crm/Accounts?$top=1")[0]
    names = list(row)
    assert names[:2] == ["__metadata", "ID"]
    assert names.index("BankAccounts") + 1 == names.index("Blocked")


@pytest.mark.parametrize(
    ("path", "type_"),
    [
        ("crm/Accounts", "Account"),
        ("vat/VATCodes", "VATCode"),
        ("financialtransaction/TransactionLines", "Financial.TransactionLine"),
        ("bulk/Financial/TransactionLines", "Financial.TransactionLine"),
        ("inventory/Warehouses", "Inventory.Warehouse"),
        ("system/Divisions", "System.Division"),
        ("hrm/Divisions", "HRM.Division"),
    ],
)
def test_types_of_newer_services_name_their_area(shared: Api, path: str, type_: str) -> None:
    row = shared.rows(f"{path}?$top=1&$select=Division" if "bulk" in path else f"{path}?$top=1")[0]
    assert row["__metadata"]["type"] == f"Exact.Web.Api.Models.{type_}"


def test_divisions_come_whole_up_to_a_hundred(shared: Api) -> None:
    assert isinstance(shared.get("system/Divisions?$top=100").json()["d"], list)
    assert "results" in shared.get("system/Divisions?$top=101").json()["d"]
    row = shared.rows("system/Divisions")[0]
    assert [row[f"Class_0{number}"] for number in range(1, 6)] == [None] * 5


def test_the_language_of_a_user_is_not_padded(shared: Api) -> None:
    me = shared.rows(f"{shared.server.base_url}/api/v1/current/Me")[0]
    assert me["Language"] == "NL"


def test_empty_columns_show_null_zero_false_or_nothing(start: Callable[..., Api]) -> None:
    api = start()
    created = api.create("crm/Accounts", {"Name": "Foobar"})
    assert created["IgnoreDatevWarningMessage"] is False
    assert (created["IsMailing"], created["IsBank"], created["Source"]) == (0, None, None)
    account = api.one("crm/Accounts", created["ID"])
    assert (account["IsBank"], account["IsMailing"], account["PurchaseLeadDays"]) == (False, 0, 0)
    assert (account["GlnNumber"], account["DiscountPurchase"]) == ("", 0)
    assert (account["IsExtraDuty"], account["AddressSource"], account["City"]) == (None,) * 3
    assert api.rows(f"crm/Accounts?$filter=ID eq guid'{created['ID']}' and IsMember eq false")
    assert len(api.rows("crm/Accounts?$filter=PurchaseLeadDays eq 0&$select=ID")) > 1


# Addresses


@pytest.mark.parametrize(
    "address", ["/api/v1//{}/crm/Accounts", "/api/v1/{}//crm/Accounts", "/api/v1/{}/crm//Accounts"]
)
def test_double_slashes_are_taken_as_one(shared: Api, address: str) -> None:
    url = shared.server.base_url + address.format(shared.division)
    assert (
        shared.get(f"{url}?$top=1")
        .json()["d"][0]["__metadata"]["uri"]
        .startswith(shared.url("crm/Accounts(guid'"))
    )


def test_times_may_be_written_as_the_class_is(shared: Api) -> None:
    since = f"{INVOICES}?$select=InvoiceID&$filter=Modified ge "
    assert shared.rows(f"{since}DateTime'2026-01-01'") == shared.rows(
        f"{since}datetime'2026-01-01'"
    )


def test_times_with_a_zone_are_refused_or_taken(start: Callable[..., Api]) -> None:
    api = start()
    path = f"{INVOICES}?$select=InvoiceID&$filter=Modified ge datetime'2026-01-01T00:00:00Z'"
    assert api.get(path).status_code == 400
    api.server.control.switches(zoned_literals=True)
    assert api.rows(path) == api.rows(path.replace("Z'", "'"))


def test_sync_with_and_without_select(start: Callable[..., Api]) -> None:
    api = start(switches=Switches(sync_needs_select=False))
    path = "sync/CRM/Accounts?$filter=Timestamp gt 1"
    assert "Name" in api.rows(path)[0]
    api.server.control.switches(sync_needs_select=True)
    assert api.get(path).status_code == 400


# Rights


def test_a_division_of_others_is_refused_with_a_reason(shared: Api) -> None:
    answer = shared.get(f"{shared.server.base_url}/api/v1/99/crm/Accounts")
    assert (answer.status_code, answer.headers["Reason"]) == (403, "NoDivisionAccess")


def test_every_division_can_be_refused_for_a_reason(start: Callable[..., Api]) -> None:
    api = start(switches=Switches(refused_for="LicenseExpired"))
    answer = api.get("crm/Accounts")
    assert (answer.status_code, answer.headers["Reason"]) == (403, "LicenseExpired")
    assert api.get(f"{api.server.base_url}/api/v1/current/Me").status_code == 200


def test_deleting_a_missing_row_is_forbidden(shared: Api) -> None:
    answer = shared.call("DELETE", f"crm/Accounts(guid'{NOBODY}')")
    assert (answer.status_code, shared.message(answer)) == (403, "Forbidden")


def test_an_app_reads_what_its_scopes_allow(start: Callable[..., Api]) -> None:
    api = start(switches=Switches(app_scopes=("Crm accounts",)))
    assert api.get("crm/Accounts?$top=1").status_code == 200
    for path in ("logistics/Items", "sync/Logistics/Items?$select=ID", "logistics/Items/$count"):
        answer = api.get(path)
        assert answer.status_code == 403
        assert api.message(answer) == "Forbidden - Application Scope Violated. Cannot read"
    assert api.call("POST", "logistics/Items", {"Code": "x"}).status_code == 403


def test_an_app_can_be_limited_to_some_divisions(start: Callable[..., Api]) -> None:
    api = start(divisions=3)
    first, second, third = api.server.divisions
    tokens = api.server.control.sign_in(divisions=[second, third])
    api.session.headers["Authorization"] = f"Bearer {tokens['access_token']}"
    me = api.rows(f"{api.server.base_url}/api/v1/current/Me")[0]
    assert me["CurrentDivision"] == first
    for number in (first, second, 12):
        rows = api.rows(f"{api.server.base_url}/api/v1/{number}/system/Divisions")
        assert [row["Code"] for row in rows] == [second, third]
    assert api.get("crm/Accounts").headers["Reason"] == "NoDivisionAccess"
    assert api.get(f"{api.server.base_url}/api/v1/{third}/crm/Accounts?$top=1").status_code == 200


def test_consent_can_be_limited_to_some_divisions(start: Callable[..., Api]) -> None:
    api = start(divisions=2)
    app = api.server.credentials
    form = {
        "client_id": app.client_id, "redirect_uri": app.redirect_uris[0], "response_type": "token",
        "decision": "allow", "divisions": f"{api.server.divisions[1]}",
    }  # fmt: skip
    address = f"{api.server.base_url}/api/oauth2/auth"
    answer = requests.post(address, form, allow_redirects=False, timeout=20)
    token = parse_qs(urlsplit(answer.headers["Location"]).fragment)["access_token"][0]
    api.session.headers["Authorization"] = f"Bearer {token}"
    assert [row["Code"] for row in api.rows("system/Divisions")] == [api.server.divisions[1]]
    wrong = requests.post(address, {**form, "divisions": "1"}, timeout=20)
    assert wrong.status_code == 400


# Metadata


@pytest.mark.parametrize("accept", ["application/xml", "application/json", "*/*"])
def test_metadata_of_a_service_is_xml(shared: Api, accept: str) -> None:
    answer = shared.get("crm/$metadata", Accept=accept)
    assert answer.headers["Content-Type"].startswith("application/xml")
    model = ET.fromstring(answer.content)  # noqa: S314 - our own server's answer
    account = model.find(f".//{EDM}EntityType[@Name='Account']")
    assert account is not None
    types = {item.get("Name"): item.get("Type") for item in account.iter(f"{EDM}Property")}
    assert (types["ID"], types["IsMailing"]) == ("Edm.Guid", "Edm.Byte")
    row = shared.rows("crm/Accounts?$top=1")[0]
    links = {item.get("Name") for item in account.iter(f"{EDM}NavigationProperty")}
    assert {*types, *links, "__metadata"} == set(row)


def test_metadata_in_whole_names_everything_once(shared: Api) -> None:
    model = ET.fromstring(shared.get("$metadata").content)  # noqa: S314
    for schema in model.iter(f"{EDM}Schema"):
        names = [item.get("Name") for item in schema]
        assert len(names) == len(set(names))
    for container in model.iter(f"{EDM}EntityContainer"):
        names = [item.get("Name") for item in container]
        assert len(names) == len(set(names))
    assert {"crm", "salesinvoice", "system"} <= {
        item.get("Name") for item in model.iter(f"{EDM}EntityContainer")
    }


def test_metadata_of_an_unknown_service_is_missing(shared: Api) -> None:
    assert shared.get("nowhere/$metadata").status_code == 404
    assert shared.call("POST", "crm/$metadata", {}).status_code == 404


# Endpoints that are not on the reference pages


def test_transactions_are_the_entries_of_the_lines(shared: Api) -> None:
    rows = shared.rows("financialtransaction/Transactions")
    lines = shared.rows("financialtransaction/TransactionLines?$select=EntryID,Modified")
    assert {row["EntryID"] for row in rows} == {line["EntryID"] for line in lines}
    entry = rows[0]
    own = shared.rows(
        f"financialtransaction/Transactions(guid'{entry['EntryID']}')/TransactionLines"
    )
    assert max(line["Modified"] for line in own) == entry["Modified"]
    assert {line["EntryNumber"] for line in own} == {entry["EntryNumber"]}
    assert entry["JournalDescription"]
    truth = shared.server.control.truth(shared.division, "transactions")
    assert len(truth) == len(rows)


def test_a_new_entry_is_a_transaction_too(start: Callable[..., Api]) -> None:
    api = start()
    before = len(api.rows("financialtransaction/Transactions?$select=EntryID"))
    made = api.server.control.changes(api.division, new=2)
    assert made
    assert len(api.rows("financialtransaction/Transactions?$select=EntryID")) > before


# Sign-in


def test_a_sign_in_without_the_browser_can_be_used_at_once(start: Callable[..., Api]) -> None:
    api = start()
    app = api.server.credentials
    form = {
        "client_id": app.client_id, "client_secret": app.client_secret,
        "grant_type": "refresh_token",
    }  # fmt: skip
    address = f"{api.server.base_url}/api/oauth2/token"
    token = api.sign_in()["refresh_token"]
    first = requests.post(address, {**form, "refresh_token": token}, timeout=20)
    assert first.status_code == 200
    assert api.get("crm/Accounts?$top=1").status_code == 200
    later = {**form, "refresh_token": first.json()["refresh_token"]}
    assert requests.post(address, later, timeout=20).status_code == 400


def test_json_of_every_kind_of_value_is_sound(shared: Api) -> None:
    for path in ("documents/DocumentAttachments", "sync/CRM/Accounts", "system/AllDivisions"):
        select = "?$select=*&$top=1" if path == "sync/CRM/Accounts" else "?$top=1"
        json.loads(shared.get(path + select).content.decode("ascii"))
