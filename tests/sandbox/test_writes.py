from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from exactonline_sandbox import Sandbox, SandboxConfig, Switches
from tests.sandbox.conftest import NOON, Api

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

INVOICES = "salesinvoice/SalesInvoices"
LINES = "salesinvoice/SalesInvoiceLines"
PRINTED = "salesinvoice/PrintedSalesInvoices"
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    """One sandbox for all writing: each test looks only at what it made itself."""
    config = SandboxConfig(
        invoices=20, clock=NOON, speed=0.0, minutely_limit=10**6, daily_limit=10**6
    )
    config.switches.error_limit = False
    with Sandbox(config).running() as server:
        yield Api(server)


def key_of(api: Api, path: str, where: str) -> str:
    row = api.rows(f"{path}?$filter={where}&$top=1")[0]
    key: str = row["ID"]
    return key


@pytest.fixture(scope="module")
def customer(api: Api) -> str:
    body = {"Name": "Afnemer", "Status": "C", "IsSupplier": True, "Email": "a@example.com"}
    key: str = api.create("crm/Accounts", body)["ID"]
    return key


@pytest.fixture(scope="module")
def item(api: Api) -> str:
    body = {"Code": "X-1", "Description": "Ding", "SalesVatCode": "2", "IsSalesItem": True}
    key: str = api.create("logistics/Items", body)["ID"]
    return key


def sales_invoice(customer: str, item: str, **fields: Any) -> dict[str, Any]:
    lines = [{"Item": item, "Quantity": 3, "NetPrice": 33.33}, {"Item": item, "NetPrice": 0.05}]
    return {"OrderedBy": customer, "SalesInvoiceLines": lines, **fields}


def test_invoice_is_filled_up_from_customer_and_item(api: Api, customer: str, item: str) -> None:
    row = api.create(INVOICES, sales_invoice(customer, item, YourRef="a'b & c"))
    assert row["SalesInvoiceLines"]["__deferred"]
    assert row["VATAmountDC"] is None
    whole = api.get(f"{INVOICES}(guid'{row['InvoiceID']}')?$expand=SalesInvoiceLines").json()["d"]
    assert whole["Journal"] == "70"
    assert whole["InvoiceTo"] == whole["DeliverTo"] == customer
    assert whole["InvoiceToName"] == "Afnemer"
    assert (whole["Status"], whole["Type"], whole["InvoiceNumber"]) == (20, 8020, None)
    assert whole["OrderNumber"] > 0
    assert whole["InvoiceDate"] == whole["OrderDate"] == "/Date(1772582400000)/"
    assert whole["PaymentCondition"] == "00"
    lines = sorted(whole["SalesInvoiceLines"]["results"], key=lambda line: line["LineNumber"])
    assert [line["AmountFC"] for line in lines] == [99.99, 0.05]
    assert [line["VATAmountFC"] for line in lines] == [21, 0.01]
    assert lines[0]["GLAccountDescription"] == "Omzet goederen hoog"
    assert (whole["AmountFCExclVat"], whole["AmountFC"], whole["VATAmountFC"]) == (
        100.04,
        121.05,
        21.01,
    )


def test_prefer_gives_the_whole_row(api: Api, customer: str, item: str) -> None:
    body = sales_invoice(customer, item)
    row = api.create(INVOICES, body, Prefer="return=representation")
    assert row["VATAmountDC"] == 21.01


@pytest.mark.parametrize("path", ["crm/Accounts", "crm/Contacts", "logistics/Items"])
def test_some_posts_answer_with_little_more_than_the_key(
    api: Api, customer: str, path: str
) -> None:
    bodies = {
        "crm/Accounts": {"Name": "Nieuw"},
        "crm/Contacts": {"Account": customer, "FirstName": "Jo", "LastName": "Vos"},
        "logistics/Items": {"Code": f"S-{path}", "Description": "Ding"},
    }
    row = api.create(path, bodies[path])
    filled = {
        name
        for name, value in row.items()
        if value not in (None, 0) and not isinstance(value, dict)
    }
    assert filled == {"ID"}
    assert api.one(path, row["ID"])["Modified"]


def test_invoice_date_and_due_date_follow_the_condition(api: Api, customer: str, item: str) -> None:
    body = sales_invoice(customer, item, InvoiceDate="2024-08-12", PaymentCondition="30")
    row = api.create(INVOICES, body)
    assert row["InvoiceDate"] == "/Date(1723420800000)/"
    assert row["DueDate"] == "/Date(1726012800000)/"


def test_dates_with_a_zone_are_moved_onto_the_servers_clock(
    api: Api, customer: str, item: str
) -> None:
    body = sales_invoice(customer, item, InvoiceDate="2026-03-04T23:30:00Z")
    assert api.create(INVOICES, body)["InvoiceDate"] == "/Date(1772668800000)/"


def test_read_only_properties_are_ignored(api: Api, customer: str, item: str) -> None:
    body = sales_invoice(customer, item, Status=50, InvoiceNumber=5, AmountDC="x")
    row = api.create(INVOICES, body)
    assert (row["Status"], row["InvoiceNumber"]) == (20, None)


@pytest.mark.parametrize(("honoured", "same"), [(True, True), (False, False)])
def test_keys_of_the_client_are_a_switch(api: Api, honoured: bool, same: bool) -> None:  # noqa: FBT001
    key = f"00000000-0000-4000-8000-00000000000{1 + honoured}"
    api.server.control.switches(honour_client_keys=honoured)
    row = api.create("crm/Accounts", {"ID": key, "Name": "Eigen sleutel"})
    assert (row["ID"] == key) is same
    if honoured:
        again = api.call("POST", "crm/Accounts", {"ID": key, "Name": "Nog eens"})
        assert again.status_code == 500
    api.server.control.switches(honour_client_keys=False)


@pytest.mark.parametrize(
    ("change", "status", "text"),
    [
        ({"OrderedBy": None}, 500, "Mandatory: OrderedBy"),
        ({"SalesInvoiceLines": []}, 500, "Mandatory: SalesInvoiceLines"),
        ({"SalesInvoiceLines": [{"Quantity": 1}]}, 500, "Mandatory: Item"),
        ({"OrderedBy": NOBODY}, 500, "Invalid reference: OrderedBy"),
        ({"SalesInvoiceLines": [{"Item": NOBODY}]}, 500, "Invalid reference: Item"),
        ({"PaymentCondition": "99"}, 500, "Invalid reference: PaymentCondition"),
        ({"Journal": "20"}, 500, "Invalid journal. The journal must be a sales journal."),
        ({"Type": 1}, 500, "Invalid value: Type"),
        ({"OrderedBy": "x"}, 400, "property 'OrderedBy' to type 'Guid'"),
        ({"OrderNumber": "many"}, 400, "property 'OrderNumber' to type 'Int32'"),
        ({"OrderNumber": 2**31}, 400, "property 'OrderNumber' to type 'Int32'"),
        ({"OrderNumber": 1.5}, 400, "property 'OrderNumber' to type 'Int32'"),
        ({"YourRef": 5}, 400, "property 'YourRef' to type 'String'"),
        ({"IsExtraDuty": "maybe"}, 400, "property 'IsExtraDuty' to type 'Boolean'"),
        ({"OrderDate": "tomorrow"}, 400, "property 'OrderDate' to type 'DateTime'"),
        ({"OrderDate": "1700-01-01"}, 400, "property 'OrderDate' to type 'DateTime'"),
        ({"Discount": "x"}, 400, "property 'Discount' to type 'Double'"),
        ({"NotAField": 1}, 400, "The property name 'NotAField' specified for type"),
        ({"SalesInvoiceLines": [{"NotAField": 1}]}, 400, "'NotAField'"),
        ({"SalesInvoiceLines": {"Item": 1}}, 400, "Error processing request stream."),
        ({"SalesInvoiceLines": "none"}, 400, "should be a collection"),
    ],
)
def test_refused_invoices_leave_nothing_behind(  # noqa: PLR0917
    api: Api, customer: str, item: str, change: dict[str, Any], status: int, text: str
) -> None:
    count = api.get(f"{INVOICES}/$count", Accept="*/*").text
    answer = api.call("POST", INVOICES, {**sales_invoice(customer, item), **change})
    assert answer.status_code == status
    assert text in api.message(answer)
    assert api.get(f"{INVOICES}/$count", Accept="*/*").text == count


def test_bodies_that_are_no_entity(api: Api) -> None:
    for body in ("[]", "5", "{", "", '{"a": NaN}'):
        answer = api.session.post(
            api.url(INVOICES), data=body, headers={"Content-Type": "application/json"}, timeout=20
        )
        assert answer.status_code == 400
        assert "Error processing request stream." in api.message(answer)
    answer = api.session.post(
        api.url(INVOICES), data="a=b", headers={"Content-Type": "text/plain"}, timeout=20
    )
    assert answer.status_code == 415


def test_atom_bodies_are_read(api: Api) -> None:
    body = """<?xml version="1.0"?>
    <entry xmlns="http://www.w3.org/2005/Atom"
           xmlns:d="http://schemas.microsoft.com/ado/2007/08/dataservices"
           xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">
      <content type="application/xml"><m:properties>
        <d:Name>Atom &amp; Zn.</d:Name><d:Status>C</d:Status><d:City m:null="true"/>
        <d:IsSupplier m:type="Edm.Boolean">true</d:IsSupplier>
      </m:properties></content>
    </entry>"""
    answer = api.session.post(
        api.url("crm/Accounts"),
        data=body.encode(),
        headers={"Content-Type": "application/atom+xml"},
        timeout=20,
    )
    assert answer.status_code == 201
    row = api.one("crm/Accounts", answer.json()["d"]["ID"])
    assert (row["Name"], row["City"], row["IsSupplier"]) == ("Atom & Zn.", None, True)


@pytest.mark.parametrize("encoding", ["foo", "utf-7"])
def test_atom_in_an_unknown_encoding_is_refused(api: Api, encoding: str) -> None:
    answer = api.session.post(
        api.url("crm/Accounts"),
        data=f'<?xml version="1.0" encoding="{encoding}"?><entry/>',
        headers={"Content-Type": "application/atom+xml"},
        timeout=20,
    )
    assert answer.status_code == 400
    assert "no valid XML" in api.message(answer)


def test_put_changes_only_what_is_given(api: Api, customer: str, item: str) -> None:
    row = api.create(INVOICES, sales_invoice(customer, item, YourRef="R", Remarks="blijft"))
    path = f"{INVOICES}(guid'{row['InvoiceID']}')"
    answer = api.call("PUT", path, {"InvoiceID": row["InvoiceID"], "YourRef": None, "Discount": 0})
    assert (answer.status_code, answer.content) == (204, b"")
    after = api.one(INVOICES, row["InvoiceID"])
    assert (after["YourRef"], after["Remarks"]) == (None, "blijft")


def test_put_and_delete_of_what_is_not_there(api: Api) -> None:
    assert api.call("PUT", f"{INVOICES}(guid'{NOBODY}')", {}).status_code == 404
    assert api.call("DELETE", f"{INVOICES}(guid'{NOBODY}')").status_code == 403
    assert api.call("PUT", INVOICES, {}).status_code == 405
    assert api.call("DELETE", INVOICES).status_code == 405
    assert api.call("PATCH", f"{INVOICES}(guid'{NOBODY}')", {}).status_code == 405


def test_printing_numbers_books_and_locks(api: Api, customer: str, item: str) -> None:
    invoice = api.create(INVOICES, sales_invoice(customer, item, YourRef="P-1"))["InvoiceID"]
    printed = api.create(PRINTED, {"InvoiceID": invoice, "SendEmailToCustomer": True})
    assert printed["DocumentCreationSuccess"]
    assert printed["EmailCreationSuccess"]
    after = api.one(INVOICES, invoice)
    assert after["Status"] == 50
    assert after["InvoiceNumber"] > 26_700_000
    assert after["Document"] == printed["Document"]
    assert after["DocumentSubject"] == f"Factuur {after['InvoiceNumber']}"
    entry = api.rows(f"salesentry/SalesEntries?$filter=EntryNumber eq {after['InvoiceNumber']}")[0]
    assert (entry["YourRef"], entry["AmountDC"], entry["Status"]) == ("P-1", 121.05, 50)
    rows = api.rows(
        f"financialtransaction/TransactionLines?$filter=EntryID eq guid'{entry['EntryID']}'"
    )
    booked = {row["GLAccountCode"]: row["AmountDC"] for row in rows}
    assert booked == {"1300": 121.05, "8000": -100.04, "1500": -21.01}
    receivable = api.rows(f"cashflow/Receivables?$filter=EntryID eq guid'{entry['EntryID']}'")[0]
    assert receivable["AmountDC"] == 121.05
    for method, path, body in (
        ("PUT", f"{INVOICES}(guid'{invoice}')", {"YourRef": "x"}),
        ("DELETE", f"{INVOICES}(guid'{invoice}')", None),
        ("POST", PRINTED, {"InvoiceID": invoice}),
        ("POST", LINES, {"InvoiceID": invoice, "Item": item}),
    ):
        answer = api.call(method, path, body)
        assert answer.status_code == 500
        assert api.message(answer)


def test_a_print_may_report_failure_inside(api: Api, item: str) -> None:
    silent = api.create("crm/Accounts", {"Name": "Zonder e-mail", "Status": "C"})["ID"]
    invoice = api.create(INVOICES, sales_invoice(silent, item))["InvoiceID"]
    printed = api.create(PRINTED, {"InvoiceID": invoice, "SendEmailToCustomer": True})
    assert printed["EmailCreationError"]
    assert printed["EmailCreationSuccess"] is None


def test_lines_have_their_own_endpoint(api: Api, customer: str, item: str) -> None:
    invoice = api.create(INVOICES, sales_invoice(customer, item))["InvoiceID"]
    line = api.create(LINES, {"InvoiceID": invoice, "Item": item, "Quantity": 2, "UnitPrice": 10})
    assert (line["LineNumber"], line["AmountFC"]) == (3, 20)
    assert api.one(INVOICES, invoice)["AmountFCExclVat"] == 120.04
    path = f"{LINES}(guid'{line['ID']}')"
    assert api.call("PUT", path, {"Discount": 0.5}).status_code == 204
    assert api.one(INVOICES, invoice)["AmountFCExclVat"] == 110.04
    assert api.call("DELETE", path).status_code == 204
    assert api.one(INVOICES, invoice)["AmountFCExclVat"] == 100.04
    refused = api.call("POST", LINES, {"InvoiceID": NOBODY, "Item": item})
    assert refused.status_code == 500


def test_credit_notes_and_direct_invoices(api: Api, customer: str, item: str) -> None:
    lines = [{"Item": item, "Quantity": -1, "NetPrice": 10}]
    body = {"OrderedBy": customer, "Type": 8021, "SalesInvoiceLines": lines}
    credit = api.create(INVOICES, body, Prefer="return=representation")
    assert (credit["AmountFC"], credit["TypeDescription"]) == (-12.1, "Credit note")
    direct = api.create(INVOICES, sales_invoice(customer, item, Type=8023))
    assert direct["Warehouse"]


def test_sales_entry_is_booked_at_once(api: Api, customer: str) -> None:
    revenue = key_of(api, "financial/GLAccounts", "Code eq '8000'")
    body = {
        "Customer": customer,
        "Journal": "70",
        "YourRef": "E-1",
        "SalesEntryLines": [{"AmountFC": "100.00", "GLAccount": revenue, "VATCode": "2  "}],
    }
    entry = api.create("salesentry/SalesEntries", body)
    assert (entry["AmountDC"], entry["VATAmountDC"], entry["Status"]) == (121, 21, 20)
    path = f"salesentry/SalesEntries(guid'{entry['EntryID']}')"
    lines = api.rows(f"{path}/SalesEntryLines")
    assert lines[0]["VATPercentage"] == 0.21
    line = f"salesentry/SalesEntryLines(guid'{lines[0]['ID']}')"
    assert api.call("PUT", line, {"AmountFC": 50}).status_code == 204
    assert api.one("salesentry/SalesEntries", entry["EntryID"])["AmountDC"] == 60.5
    booked = api.rows(
        f"financialtransaction/TransactionLines?$filter=EntryID eq guid'{entry['EntryID']}'"
    )
    assert sorted(row["AmountDC"] for row in booked) == [-50, -10.5, 60.5]
    assert api.call("DELETE", path).status_code == 204
    assert not api.rows(
        f"financialtransaction/TransactionLines?$filter=EntryID eq guid'{entry['EntryID']}'"
    )


def test_purchase_entry_books_nothing_for_a_read_only_amount(api: Api) -> None:
    supplier = api.create("crm/Accounts", {"Name": "Leverancier", "IsSupplier": True})["ID"]
    costs = key_of(api, "financial/GLAccounts", "Code eq '4500'")
    line = {"GLAccount": costs, "AmountDC": 100, "VATCode": "2"}
    body = {"Supplier": supplier, "Journal": "60", "PurchaseEntryLines": [line]}
    entry = api.create("purchaseentry/PurchaseEntries", body)
    assert entry["AmountDC"] == 0
    assert entry["EntryNumber"] == entry["InvoiceNumber"]
    assert entry["Document"]


def test_journal_entries_must_balance_and_cannot_be_put(api: Api) -> None:
    one = key_of(api, "financial/GLAccounts", "Code eq '4500'")
    other = key_of(api, "financial/GLAccounts", "Code eq '2000'")
    lines = [{"GLAccount": one, "AmountFC": 10}, {"GLAccount": other, "AmountFC": -9.99}]
    path = "generaljournalentry/GeneralJournalEntries"
    body = {"JournalCode": "90", "GeneralJournalEntryLines": lines}
    refused = api.call("POST", path, body)
    assert refused.status_code == 500
    assert "balance" in api.message(refused)
    lines[1]["AmountFC"] = -10
    entry = api.create(path, body)["EntryID"]
    assert api.call("PUT", f"{path}(guid'{entry}')", {}).status_code == 405
    assert api.call("DELETE", f"{path}(guid'{entry}')").status_code == 204


def test_bank_entries_must_close(api: Api, customer: str) -> None:
    debtors = key_of(api, "financial/GLAccounts", "Code eq '1300'")
    line = {"GLAccount": debtors, "AmountFC": 10, "Account": customer, "Date": "2026-03-01"}
    body = {
        "JournalCode": "20",
        "OpeningBalanceFC": 5,
        "ClosingBalanceFC": 16,
        "BankEntryLines": [line],
    }
    refused = api.call("POST", "financialtransaction/BankEntries", body)
    assert refused.status_code == 500
    assert "closing balance" in api.message(refused)
    entry = api.create("financialtransaction/BankEntries", {**body, "ClosingBalanceFC": 15})
    booked = api.rows(
        f"financialtransaction/TransactionLines?$filter=EntryID eq guid'{entry['EntryID']}'"
    )
    assert {row["GLAccountCode"]: row["AmountDC"] for row in booked} == {"1100": 10, "1300": -10}


def test_account_codes_go_up_and_are_unique(api: Api) -> None:
    first = api.one("crm/Accounts", api.create("crm/Accounts", {"Name": "A"})["ID"])
    second = api.one("crm/Accounts", api.create("crm/Accounts", {"Name": "B"})["ID"])
    assert int(second["Code"]) == int(first["Code"]) + 1
    assert len(second["Code"]) == 18
    double = api.call("POST", "crm/Accounts", {"Name": "C", "Code": first["Code"]})
    assert double.status_code == 500


def test_what_is_in_use_stays(api: Api, customer: str, item: str) -> None:
    api.create(INVOICES, sales_invoice(customer, item))
    for path in (f"crm/Accounts(guid'{customer}')", f"logistics/Items(guid'{item}')"):
        answer = api.call("DELETE", path)
        assert answer.status_code == 500
        assert "Used in: Sales invoices" in api.message(answer)
    unused = api.create("crm/Accounts", {"Name": "Ongebruikt"})["ID"]
    assert api.call("DELETE", f"crm/Accounts(guid'{unused}')").status_code == 204


def test_the_same_address_is_given_back(api: Api, customer: str) -> None:
    body = {"Account": customer, "Type": 4, "AddressLine1": "Dam 1", "City": "Amsterdam"}
    first = api.create("crm/Addresses", body)["ID"]
    assert api.create("crm/Addresses", body)["ID"] == first
    assert api.create("crm/Addresses", {**body, "Type": 3})["ID"] != first


def test_documents_take_attachments(api: Api) -> None:
    document = api.create("documents/Documents", {"Subject": "Brief", "Type": 55})["ID"]
    body = {"Document": document, "FileName": "a.txt", "Attachment": "aGFsbG8="}
    attachment = api.create("documents/DocumentAttachments", body)
    assert (attachment["FileSize"], attachment["Attachment"]) == (5, None)
    assert api.get(attachment["Url"]).content == b"hallo"
    assert api.get(attachment["Url"].replace(attachment["ID"], document)).status_code == 404
    assert api.call("POST", attachment["Url"]).status_code == 405
    api.server.control.switches(denied=["documents/DocumentAttachments"])
    assert api.get(attachment["Url"]).status_code == 403
    api.server.control.switches(denied=[])
    bad = api.call("POST", "documents/DocumentAttachments", {**body, "Attachment": "???"})
    assert bad.status_code == 400


@pytest.mark.parametrize(
    ("path", "party", "lines", "key"),
    [
        ("salesorder/SalesOrders", "OrderedBy", "SalesOrderLines", "OrderID"),
        ("crm/Quotations", "OrderAccount", "QuotationLines", "QuotationID"),
        ("purchaseorder/PurchaseOrders", "Supplier", "PurchaseOrderLines", "PurchaseOrderID"),
    ],
)
def test_orders_total_their_lines(  # noqa: PLR0917
    api: Api, customer: str, item: str, path: str, party: str, lines: str, key: str
) -> None:
    rows = [{"Item": item, "Quantity": 2, "QuantityInPurchaseUnits": 2, "NetPrice": 10}]
    rows = [
        {
            name: value
            for name, value in row.items()
            if path.startswith("purchase") or "In" not in name
        }
        for row in rows
    ]
    order = api.create(path, {party: customer, lines: rows})
    assert order["AmountDC"] == 24.2
    assert len(api.rows(f"{path}(guid'{order[key]}')/{lines}")) == 1
    assert api.call("PUT", f"{path}(guid'{order[key]}')", {"YourRef": "z"}).status_code == 204
    assert api.call("DELETE", f"{path}(guid'{order[key]}')").status_code == 204


def test_other_entities_are_kept_by_the_facts_alone(api: Api) -> None:
    body = {"Code": "K9", "Description": "Kostenplaats 9"}
    row = api.create("hrm/Costcenters", body)
    path = f"hrm/Costcenters(guid'{row['ID']}')"
    assert row["Description"] == "Kostenplaats 9"
    assert api.call("PUT", path, {"Description": "Anders"}).status_code == 204
    assert api.one("hrm/Costcenters", row["ID"])["Description"] == "Anders"
    assert api.call("DELETE", path).status_code == 204
    assert api.get(path).status_code == 404
    refused = api.call("POST", "hrm/Costcenters", {"Code": "K9"})
    assert api.message(refused) == "Mandatory: Description"


def test_actions_the_sandbox_does_not_know_are_refused(api: Api) -> None:
    assert api.call("POST", "crm/AcceptQuotation", {"QuotationID": NOBODY}).status_code == 403
    assert api.call("POST", "sync/CRM/Accounts", {}).status_code == 405


def test_strict_mandatory_wants_all_that_the_documentation_wants(
    start: Callable[..., Api],
) -> None:
    api = start(switches=Switches(strict_mandatory=True))
    customer = key_of(api, "crm/Accounts", "Status eq 'C'")
    item = key_of(api, "logistics/Items", "IsSalesItem eq true")
    refused = api.call("POST", INVOICES, sales_invoice(customer, item))
    assert api.message(refused) == "Mandatory: Journal"
    assert api.create(INVOICES, sales_invoice(customer, item, Journal="70"))


def test_answers_are_the_same_for_another_client(api: Api) -> None:
    token = str(api.session.headers["Authorization"])
    answer = requests.get(
        api.url("crm/Accounts?$top=1"), headers={"authorization": token}, timeout=20
    )
    assert answer.headers["Content-Type"].startswith("application/atom+xml")
