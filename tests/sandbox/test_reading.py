from __future__ import annotations

import uuid
from typing import TYPE_CHECKING
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest

from exactonline_sandbox import Switches

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sandbox.conftest import Api

INVOICES = "salesinvoice/SalesInvoices"
ATOM = "{http://www.w3.org/2005/Atom}"
DATA = "{http://schemas.microsoft.com/ado/2007/08/dataservices}"


def database_order(guid: str) -> bytes:
    raw = uuid.UUID(guid).bytes_le
    return raw[10:] + raw[8:10] + raw[6:8] + raw[4:6] + raw[:4]


# Shapes


def test_list_without_top_comes_in_pages_of_60(shared: Api) -> None:
    first = shared.get(f"{INVOICES}?$select=InvoiceID").json()["d"]
    assert len(first["results"]) == 60
    assert "$skiptoken=guid'" in first["__next"]
    assert first["__next"].startswith(shared.url(INVOICES))
    assert len(shared.rows(f"{INVOICES}?$select=InvoiceID")) == 150


def test_last_page_has_no_next(shared: Api) -> None:
    assert "__next" not in shared.get("logistics/Items").json()["d"]


@pytest.mark.parametrize(("top", "bare"), [(0, True), (1, True), (60, True), (61, False)])
def test_a_top_within_a_page_gives_a_bare_array(shared: Api, top: int, bare: bool) -> None:  # noqa: FBT001
    listed = shared.get(f"{INVOICES}?$top={top}&$select=InvoiceID").json()["d"]
    assert isinstance(listed, list) is bare


def test_inlinecount_and_skiptoken_never_give_a_bare_array(shared: Api) -> None:
    counted = shared.get(f"{INVOICES}?$top=2&$inlinecount=allpages").json()["d"]
    assert counted["__count"] == "150"
    assert len(counted["results"]) == 2
    token = shared.rows(f"{INVOICES}?$top=1")[0]["InvoiceID"]
    behind = shared.get(f"{INVOICES}?$top=2&$skiptoken=guid'{token}'").json()["d"]
    assert len(behind["results"]) == 2


def test_empty_lists_follow_the_same_rule(shared: Api) -> None:
    assert shared.get("manufacturing/ShopOrders").json() == {"d": {"results": []}}
    assert shared.get("manufacturing/ShopOrders?$top=5").json() == {"d": []}


def test_top_counts_over_all_pages_and_shrinks_in_next(shared: Api) -> None:
    first = shared.get(f"{INVOICES}?$select=InvoiceID&$top=100").json()["d"]
    assert "$top=40&" in first["__next"]
    assert "$select=InvoiceID" in first["__next"]
    second = shared.get(first["__next"]).json()["d"]
    assert len(second["results"]) == 40
    assert "__next" not in second


def test_rows_have_metadata_and_deferred_links(shared: Api) -> None:
    row = shared.rows(f"{INVOICES}?$top=1")[0]
    uri = shared.url(f"{INVOICES}(guid'{row['InvoiceID']}')")
    assert row["__metadata"] == {"uri": uri, "type": "Exact.Web.Api.Models.SalesInvoice"}
    assert row["SalesInvoiceLines"]["__deferred"]["uri"] == f"{uri}/SalesInvoiceLines"
    assert shared.get(row["SalesInvoiceLines"]["__deferred"]["uri"]).status_code == 200


def test_select_leaves_out_the_rest_and_the_key_too(shared: Api) -> None:
    row = shared.rows(f"{INVOICES}?$top=1&$select=YourRef,Status")[0]
    assert set(row) == {"__metadata", "YourRef", "Status"}


def test_expand_brings_the_lines(shared: Api) -> None:
    path = (
        f"{INVOICES}?$top=1&$expand=SalesInvoiceLines&$select=InvoiceID,SalesInvoiceLines/AmountFC"
    )
    row = shared.rows(path)[0]
    lines = row["SalesInvoiceLines"]["results"]
    assert lines
    assert all(set(line) == {"__metadata", "AmountFC"} for line in lines)
    whole = shared.rows(f"{INVOICES}(guid'{row['InvoiceID']}')/SalesInvoiceLines")
    assert [line["AmountFC"] for line in whole] == [line["AmountFC"] for line in lines]


def test_one_row_stands_alone(shared: Api) -> None:
    key = shared.rows(f"{INVOICES}?$top=1")[0]["InvoiceID"]
    assert shared.get(f"{INVOICES}(guid'{key}')").json()["d"]["InvoiceID"] == key


def test_count_is_plain_text_and_minds_the_filter(shared: Api) -> None:
    answer = shared.get(f"{INVOICES}/$count", Accept="*/*")
    assert answer.text == "150"
    assert answer.headers["Content-Type"].startswith("text/plain")
    part = shared.get(f"{INVOICES}/$count?$filter=Status eq 50", Accept="*/*")
    assert 0 < int(part.text) < 150


def test_json_has_lines_and_escaped_dates(shared: Api) -> None:
    text = shared.get(f"{INVOICES}?$top=1&$select=InvoiceDate").text
    assert '"\\/Date(' in text
    assert "{\r\n" in text


def test_rows_are_never_shown_as_they_were(start: Callable[..., Api]) -> None:
    api = start()
    line = api.rows("salesinvoice/SalesInvoiceLines?$top=1")[0]
    path = f"salesinvoice/SalesInvoiceLines(guid'{line['ID']}')"
    assert api.get(path).json()["d"] == line
    api.call("PUT", f"logistics/Items(guid'{line['Item']}')", {"Description": "Anders"})
    assert api.get(path).json()["d"]["ItemDescription"] == "Anders"
    sync = "sync/CRM/Accounts?$select=ID,Name,Timestamp&$filter=Timestamp gt 1"
    account = api.rows(sync)[0]
    api.call("PUT", f"crm/Accounts(guid'{account['ID']}')", {"Name": "Foobar"})
    changed = next(row for row in api.rows(sync) if row["ID"] == account["ID"])
    assert changed["Name"] == "Foobar"
    assert int(changed["Timestamp"]) > int(account["Timestamp"])


# Order


def test_default_order_is_that_of_the_database(shared: Api) -> None:
    keys = [row["InvoiceID"] for row in shared.rows(f"{INVOICES}?$select=InvoiceID")]
    assert keys == sorted(keys, key=database_order)
    assert keys != sorted(keys)


def test_orderby_pages_by_value_and_key(shared: Api) -> None:
    path = f"{INVOICES}?$orderby=Modified desc&$select=InvoiceID,Modified"
    first = shared.get(path).json()["d"]
    assert "$skiptoken=datetime'" in unquote(first["__next"])
    rows = shared.rows(path)
    stamps = [int(row["Modified"][6:-2]) for row in rows]
    assert stamps == sorted(stamps, reverse=True)
    assert len({row["InvoiceID"] for row in rows}) == 150


def test_ties_in_the_order_are_neither_lost_nor_doubled(shared: Api) -> None:
    path = "financialtransaction/TransactionLines?$orderby=Date&$select=ID,Date"
    rows = shared.rows(path)
    assert len({row["ID"] for row in rows}) == len(rows)
    count = shared.get("financialtransaction/TransactionLines/$count", Accept="*/*").text
    assert len(rows) == int(count)


def test_nulls_come_first_and_pages_go_on_behind_them(shared: Api) -> None:
    rows = shared.rows(f"{INVOICES}?$orderby=YourRef&$select=InvoiceID,YourRef")
    references = [row["YourRef"] for row in rows]
    assert references == sorted(references, key=lambda text: (text is not None, text or ""))
    assert len({row["InvoiceID"] for row in rows}) == 150


def test_skip_leaves_rows_out_once(shared: Api) -> None:
    everything = shared.rows(f"{INVOICES}?$select=InvoiceID")
    assert shared.rows(f"{INVOICES}?$select=InvoiceID&$skip=7") == everything[7:]


# Types


def test_codes_have_fixed_widths(shared: Api) -> None:
    account = shared.rows("crm/Accounts?$top=1")[0]
    assert len(account["Code"]) == 18
    assert account["Code"].startswith(" ")
    assert len(account["Country"]) == 3
    assert len(shared.rows("logistics/Items?$top=1")[0]["Unit"]) == 8
    line = shared.rows("salesinvoice/SalesInvoiceLines?$top=1")[0]
    assert (len(line["VATCode"]), line["UnitCode"]) == (3, line["UnitCode"].strip())
    assert shared.rows("financial/Journals?$top=1")[0]["Code"].strip() in {
        "10", "20", "60", "70", "90",
    }  # fmt: skip


def test_padded_columns_are_compared_with_their_padding(shared: Api) -> None:
    code = shared.rows("crm/Accounts?$top=1")[0]["Code"]
    assert len(shared.rows(f"crm/Accounts?$filter=Code eq '{code}'")) == 1
    assert not shared.rows(f"crm/Accounts?$filter=Code eq '{code.strip()}'")
    assert len(shared.rows(f"crm/Accounts?$filter=trim(Code) eq '{code.strip()}'")) == 1


def test_me_looks_like_the_service(shared: Api) -> None:
    me = shared.get(f"{shared.server.base_url}/api/v1/current/Me").json()["d"]["results"][0]
    assert me["CurrentDivision"] == shared.division
    assert me["Legislation"] == "1"
    assert me["ServerTime"] == "2026-03-04T13:00:05"
    assert me["ServerUtcOffset"] == 3600
    assert len(me["DivisionCustomerCode"]) == 18


def test_divisions_have_an_integer_key(shared: Api) -> None:
    row = shared.rows("system/Divisions")[0]
    assert row["__metadata"]["uri"].endswith(f"Divisions({shared.division})")
    assert row["Country"] == "NL "
    assert row["Hid"] == "1"
    assert shared.get(f"system/Divisions({shared.division})").json()["d"]["Code"] == row["Code"]
    assert shared.rows("hrm/Divisions")[0]["Code"] == row["Code"]


# Formats


def test_atom_is_the_default(shared: Api) -> None:
    answer = shared.get(f"{INVOICES}?$select=InvoiceID,AmountDC,Document,InvoiceDate", Accept="*/*")
    assert answer.headers["Content-Type"].startswith("application/atom+xml")
    feed = ET.fromstring(answer.content)  # noqa: S314 - our own server's answer
    assert len(feed.findall(f"{ATOM}entry")) == 60
    properties = feed.find(f".//{DATA[:-1]}/metadata}}properties")
    assert properties is not None
    assert properties[0].tag == f"{DATA}InvoiceID"
    assert properties[0].get(f"{DATA[:-1]}/metadata}}type") == "Edm.Guid"
    following = [link.get("href") for link in feed.findall(f"{ATOM}link[@rel='next']")]
    assert following
    assert "$skiptoken=" in str(following[0])


def test_plain_xml_is_refused(shared: Api) -> None:
    assert shared.get(INVOICES, Accept="application/xml").status_code == 415


def test_errors_in_atom_are_xml(shared: Api) -> None:
    answer = shared.get("crm/Accounts?$filter=Nope eq 1", Accept="*/*")
    assert answer.status_code == 400
    assert ET.fromstring(answer.content).tag.endswith("error")  # noqa: S314


# What a server refuses


@pytest.mark.parametrize(
    "path",
    [
        "crm/Accounts?$top=-1",
        "crm/Accounts?$skip=x",
        "crm/Accounts?$format=json",
        "crm/Accounts?$top=1&$top=2",
        "crm/Accounts?$select=Nope",
        "crm/Accounts?$select=ID,,Name",
        "crm/Accounts?$expand=Name",
        "crm/Accounts?$orderby=Nope",
        "crm/Accounts?$orderby=Name sideways",
        "crm/Accounts?$inlinecount=some",
        "crm/Accounts?$skiptoken=nonsense",
        "crm/Accounts?$skiptoken='text'",
        "crm/Accounts?$skiptoken=guid'00000000-0000-0000-0000-000000000001',1",
        "crm/Accounts(guid'short')",
        "crm/Accounts(5)",
        "crm/Accounts('5')",
        "sync/CRM/Accounts?$filter=Timestamp gt 1",
        "sync/CRM/Accounts?$filter=Code eq 'x'&$select=ID",
        "sync/Deleted?$filter=DeletedBy eq guid'00000000-0000-0000-0000-000000000001'&$select=ID",
        "bulk/CRM/Accounts",
    ],
)
def test_malformed_calls_get_400(shared: Api, path: str) -> None:
    answer = shared.get(path)
    assert answer.status_code == 400
    assert shared.message(answer)


@pytest.mark.parametrize(
    "path",
    [
        "crm/Nothing",
        "crm/accounts",
        "nowhere/Accounts",
        "crm/Accounts(guid'00000000-0000-4000-8000-000000000000')",
        "crm/Accounts/Nope",
    ],
)
def test_what_is_not_there_gets_404(shared: Api, path: str) -> None:
    assert shared.get(path).status_code == 404


def test_unknown_navigation_of_a_row_gets_404(shared: Api) -> None:
    key = shared.rows(f"{INVOICES}?$top=1")[0]["InvoiceID"]
    assert shared.get(f"{INVOICES}(guid'{key}')/Nope").status_code == 404


def test_division_of_others_gets_403(shared: Api) -> None:
    answer = shared.get(f"{shared.server.base_url}/api/v1/99/crm/Accounts")
    assert answer.status_code == 403


def test_addresses_have_a_longest_length(shared: Api) -> None:
    assert shared.get(f"crm/Accounts?$filter=Name eq '{'x' * 6000}'").status_code == 414


def test_options_without_dollar_are_ignored(shared: Api) -> None:
    assert shared.get("crm/Accounts?whatever=1&$top=1").status_code == 200


def test_post_only_endpoint_cannot_be_read(shared: Api) -> None:
    assert shared.get("salesinvoice/PrintedSalesInvoices").status_code == 405


# Switches


def test_mandatory_filtering(start: Callable[..., Api]) -> None:
    api = start(switches=Switches(mandatory_filtering=True))
    refused = api.get(INVOICES)
    assert refused.status_code == 400
    assert "mandatory filtering" in api.message(refused)
    assert api.get(f"{INVOICES}?$filter=Remarks eq 'x'").status_code == 400
    both = api.get(f"{INVOICES}?$filter=Status eq 50 and Remarks eq 'x'")
    assert "not supported: Remarks" in api.message(both)
    assert api.get(f"{INVOICES}?$filter=Modified ge datetime'2026-01-01'").status_code == 200
    assert api.get("financial/Journals").status_code == 200
    assert api.get("bulk/SalesInvoice/SalesInvoices?$select=InvoiceID").status_code == 400


def test_required_select(start: Callable[..., Api]) -> None:
    api = start(switches=Switches(select_required=("crm/Accounts",)))
    assert "$top=1" in api.message(api.get("crm/Accounts"))
    assert api.get("crm/Accounts?$top=1").status_code == 200
    assert api.get("crm/Accounts?$select=ID").status_code == 200
    assert api.get("crm/Contacts").status_code == 200


def test_refused_skip_and_bulk_expand(start: Callable[..., Api]) -> None:
    api = start(switches=Switches(refuse_skip=True, bulk_expand=False))
    assert api.get("crm/Accounts?$skip=1").status_code == 400
    bulk = "bulk/SalesInvoice/SalesInvoices?$select=InvoiceID&$expand=SalesInvoiceLines"
    assert api.get(bulk).status_code == 400
    api.server.control.switches(bulk_expand=True)
    assert api.rows(bulk)[0]["SalesInvoiceLines"]["results"]


def test_lists_without_pages_in_both_shapes(start: Callable[..., Api]) -> None:
    api = start()
    asked = "modified=datetime'2022-01-01'&endPoint='Accounts'"
    lists = ("read/financial/RevenueList", f"read/sync/Sync/SyncTimestamp?{asked}")
    for path in lists:
        assert isinstance(api.get(path).json()["d"]["results"], list), path
    api.server.control.switches(bare_unpaged=True)
    for path in lists:
        assert isinstance(api.get(path).json()["d"], list), path
    assert "results" in api.get("crm/Accounts").json()["d"]


def test_refused_expand(start: Callable[..., Api]) -> None:
    api = start(switches=Switches(expand=False))
    plain = f"{INVOICES}?$select=InvoiceID&$expand=SalesInvoiceLines"
    assert api.get(plain).status_code == 400
    assert api.get(f"bulk/{plain.replace('salesinvoice', 'SalesInvoice')}").status_code == 200
    api.server.control.switches(expand=True)
    assert api.rows(plain)[0]["SalesInvoiceLines"]["results"]


def test_missing_rights_are_403_or_an_empty_list(start: Callable[..., Api]) -> None:
    api = start(switches=Switches(denied=("crm/Contacts",)))
    assert api.get("crm/Contacts").status_code == 403
    api.server.control.switches(denied_answer="empty")
    assert api.get("crm/Contacts").json() == {"d": {"results": []}}
    assert api.rows("crm/Accounts")
    rights = api.get("users/UserHasRights?endpoint='crm/Contacts'&action='GET'")
    assert rights.json()["d"]["UserHasRights"] is False


@pytest.mark.parametrize("name", ["crm/Contacts", "crm", "CRM/contacts"])
def test_rights_are_those_to_an_entity_by_all_its_lists(
    start: Callable[..., Api], name: str
) -> None:
    api = start(switches=Switches(denied=(name,)))
    lists = ("crm/Contacts", "bulk/CRM/Contacts?$select=ID", "sync/CRM/Contacts?$select=ID")
    assert [api.get(path).status_code for path in lists] == [403, 403, 403]
    assert api.get("logistics/Items?$select=ID&$top=1").status_code == 200
    if name != "crm":
        assert api.get("sync/CRM/Accounts?$select=ID").status_code == 200


@pytest.mark.parametrize("entity", ["SalesInvoices", "SalesInvoiceLines"])
def test_a_list_of_two_entities_asks_for_the_rights_to_both(
    start: Callable[..., Api], entity: str
) -> None:
    api = start(switches=Switches(denied=(f"salesinvoice/{entity}",)))
    assert api.get("sync/SalesInvoice/SalesInvoices?$select=ID").status_code == 403


@pytest.mark.parametrize(("answer", "status"), [("403", 403), ("empty", 200)])
def test_rows_without_rights_do_not_come_along_with_others(
    start: Callable[..., Api], answer: str, status: int
) -> None:
    switches = Switches(denied=("salesentry/SalesEntryLines",), denied_answer=answer)
    api = start(switches=switches)
    path = "salesentry/SalesEntries?$select=EntryID,SalesEntryLines/ID&$expand=SalesEntryLines"
    found = api.get(f"{path}&$top=1")
    assert found.status_code == status
    if status == 200:
        assert found.json()["d"][0]["SalesEntryLines"]["results"] == []
    assert api.get("salesentry/SalesEntries?$select=EntryID&$top=1").status_code == 200


def test_a_single_list_can_be_closed(start: Callable[..., Api]) -> None:
    api = start(switches=Switches(denied=("sync/CRM/Contacts",)))
    assert api.get("sync/CRM/Contacts?$select=ID").status_code == 403
    assert api.get("crm/Contacts?$select=ID").status_code == 200
