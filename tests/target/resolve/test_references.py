"""Codes and names in documents become keys, in few calls and never by guessing."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from exactonline_client.connection import connect
from exactonline_client.errors import RequestRefused
from exactonline_client.lookups import Lookups
from exactonline_client.store.tables import postings
from target_exactonline.mapping.prepare import PrepareOptions, preparer
from target_exactonline.resolve.references import resolve
from target_exactonline.schema import entities

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from exactonline_client.connection import Connection
    from target_exactonline.mapping.model import Document
    from tests.target.conftest import Company, Record, Runner

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
THERE = "a0b1c2d3-0000-4000-8000-00000000000a"


@pytest.fixture
def connection(settings: dict[str, Any]) -> Iterator[Connection]:
    opened = connect(settings)
    yield opened
    opened.close()


@pytest.fixture
def lookups(connection: Connection, company: Company) -> Lookups:
    return Lookups(connection.session, connection.store, connection.app.key, company.division)


def document(
    company: Company, record: Record, stream: str = "sales_invoices", **how: Any
) -> Document:
    prepare = preparer(entities.find(stream), PrepareOptions(**how), AMSTERDAM, company.division)
    made = prepare(record)
    assert made.problems == []
    return made


def rows(company: Company, stream: str) -> list[dict[str, Any]]:
    return company.server.control.truth(company.division, stream)


def customer(company: Company) -> dict[str, Any]:
    return next(row for row in rows(company, "accounts") if row["ID"] == company.customer)


def item_codes(company: Company) -> dict[str, str]:
    return {row["Code"]: row["ID"] for row in rows(company, "items")}


def test_codes_become_keys(company: Company, lookups: Lookups) -> None:
    account = customer(company)
    codes = item_codes(company)
    lines = [{"item_code": f" {code}", "quantity": 1} for code in codes]
    record = {"YourRef": "c", "OrderedByCode": account["Code"], "SalesInvoiceLines": lines}
    warehouse = rows(company, "warehouses")[0]
    made = document(company, {**record, "Warehouse": warehouse["Code"]})
    company.server.control.reset_calls()
    resolve(lookups, [made], None)
    assert made.problems == []
    assert made.fields["OrderedBy"] == account["ID"]
    assert made.fields["Warehouse"] == warehouse["ID"]
    assert [line["Item"] for line in made.fields["SalesInvoiceLines"]] == list(codes.values())
    assert company.calls("GET") == 3


def test_ledger_accounts_are_found_though_their_code_may_not_be_filtered(
    company: Company, lookups: Lookups
) -> None:
    company.server.control.switches(mandatory_filtering=True)
    account = rows(company, "gl_accounts")[-1]
    lines = [
        {"gl_account_code": account["Code"], "AmountFC": 5},
        {"GLAccount": account["Code"], "AmountFC": -5},
    ]
    record = {"reference": "g", "JournalCode": "90", "GeneralJournalEntryLines": lines}
    made = document(company, record, "general_journal_entries")
    try:
        resolve(lookups, [made], None)
    finally:
        company.server.control.switches(mandatory_filtering=False)
    assert made.problems == []
    for line in made.fields["GeneralJournalEntryLines"]:
        assert line["GLAccount"] == account["ID"]


def test_a_wrong_code_is_answered_with_near_ones(company: Company, lookups: Lookups) -> None:
    code = next(iter(item_codes(company)))
    wrong = f"{code}X"
    lines = [{"Item": wrong, "Quantity": 1}]
    made = document(company, company.invoice("w", SalesInvoiceLines=lines, OrderedBy="nobody"))
    resolve(lookups, [made], None)
    of_the_line, of_the_customer = sorted(made.problems, reverse=True)
    assert of_the_customer == "OrderedBy: no row of Accounts has Code 'nobody'"
    assert of_the_line.startswith(
        f"SalesInvoiceLines[1].Item: no row of Items has Code '{wrong}' (similar: {code}"
    )


def test_a_name_that_several_have_is_no_name(company: Company, lookups: Lookups) -> None:
    account = customer(company)
    made = document(company, company.invoice("n", OrderedBy={"Name": account["Name"]}))
    resolve(lookups, [made], None)
    assert made.fields["OrderedBy"] == account["ID"]
    keys = [_create_account(lookups, "Zusje B.V.", code) for code in ("990001", "990002")]
    assert len(set(keys)) == 2
    made = document(company, company.invoice("n", OrderedBy={"Name": "Zusje B.V."}))
    resolve(lookups, [made], None)
    assert made.problems == [
        "OrderedBy: 2 rows of Accounts have Name 'Zusje B.V.': 990001 Zusje B.V., 990002 Zusje B.V."
    ]


def _create_account(lookups: Lookups, name: str, code: str) -> str:
    answer = lookups.session.write(
        "POST",
        f"/api/v1/{lookups.division}/crm/Accounts",
        lookups.division,
        f'{{"Name": "{name}", "Code": "{code}"}}'.encode(),
        {"Prefer": "return=representation"},
    )
    return str(answer.json()["d"]["ID"])


def test_documents_with_problems_cost_no_call(company: Company, lookups: Lookups) -> None:
    made = document(company, company.invoice("p", OrderedBy="nobody"))
    made.problems.append("something else")
    company.server.control.reset_calls()
    resolve(lookups, [made], None)
    assert made.problems == ["something else"]
    assert company.calls("GET") == 0


def test_what_is_missing_is_created_once(company: Company, lookups: Lookups) -> None:
    made: list[tuple[str, Mapping[str, Any]]] = []

    def create(endpoint: str, fields: Mapping[str, Any]) -> str:
        made.append((endpoint, fields))
        return THERE

    allowed = frozenset({"accounts"})
    new = {"Name": "Nieuw B.V.", "Code": "77001"}
    documents = [
        document(company, company.invoice(f"m{n}", OrderedBy=new), create_missing=allowed)
        for n in range(2)
    ]
    resolve(lookups, documents, create)
    assert [each.fields["OrderedBy"] for each in documents] == [THERE, THERE]
    assert made == [("crm/Accounts", {**new, "Status": "C"})]
    again = document(company, company.invoice("m3", OrderedBy="77001"))
    resolve(lookups, [again], None)
    assert again.fields["OrderedBy"] == THERE


def test_what_cannot_be_created_is_tried_once(company: Company, lookups: Lookups) -> None:
    tries = []

    def refuse(endpoint: str, _fields: Mapping[str, Any]) -> str:
        tries.append(endpoint)
        raise RequestRefused("POST: no", status=500, reason="Code is taken")

    allowed = frozenset({"accounts"})
    new = {"Name": "Nieuw B.V.", "Code": "77002"}
    invoices = [company.invoice(f"t{n}", OrderedBy=new) for n in range(2)]
    lines = [{"Item": "no-such-item", "Quantity": 1}]
    invoices.append(
        company.invoice("t3", OrderedBy={**new, "Code": "77003"}, SalesInvoiceLines=lines)
    )
    documents = [document(company, each, create_missing=allowed) for each in invoices]
    resolve(lookups, documents, refuse)
    problem = "OrderedBy: it is missing and could not be created: Code is taken"
    assert [each.problems for each in documents[:2]] == [[problem], [problem]]
    assert tries == ["crm/Accounts"]
    assert len(documents[2].problems) == 1


def test_keys_of_another_division_are_followed(
    company: Company, connection: Connection, lookups: Lookups
) -> None:
    posting = {
        "app": connection.app.key,
        "division": company.division,
        "entity": "logistics/Items",
        "reference": "A",
        "stream": "items",
        "outcome": "created",
        "payload_hash": "",
        "source_key": THERE,
        "exact_id": company.items[1],
        "at": 0.0,
    }
    with connection.store.transaction() as transaction:
        transaction.execute(postings.insert().values(posting))
    record = {
        **company.invoice("f", OrderedBy=THERE, Document=THERE, SalesInvoiceLines=None),
        "Division": company.division + 1,
        "OrderedByName": customer(company)["Name"],
        "InvoiceTo": THERE,
        "SalesInvoiceLines": [{"Item": THERE, "ItemCode": "other", "Quantity": 1}],
    }
    made = document(company, record)
    resolve(lookups, [made], None)
    (problem,) = made.problems
    assert problem.startswith("InvoiceTo: it is a key of another division, and no row")
    assert made.fields["OrderedBy"] == company.customer
    assert made.fields["SalesInvoiceLines"][0]["Item"] == company.items[1]
    assert "Document" not in made.fields
    assert made.notes[-1].startswith("Document was left out: it is a key of another division")


def test_a_thousand_invoices_take_few_lookups(company: Company, lookups: Lookups) -> None:
    accounts = [row["Code"] for row in rows(company, "accounts")]
    codes = list(item_codes(company))
    company.server.control.reset_calls()
    for batch in range(5):
        documents = [
            document(
                company,
                {
                    "YourRef": f"{batch}-{number}",
                    "OrderedBy": accounts[number % len(accounts)],
                    "SalesInvoiceLines": [
                        {"Item": codes[(number + line) % len(codes)], "Quantity": 1}
                        for line in range(3)
                    ],
                },
            )
            for number in range(200)
        ]
        resolve(lookups, documents, None)
        assert not any(each.problems for each in documents)
    assert company.calls("GET") <= 4


def test_documents_of_another_division_are_written_here(company: Company, runner: Runner) -> None:
    truth = company.server.control.truth
    invoice = truth(company.division, "sales_invoices")[0]
    lines = [
        row
        for row in truth(company.division, "sales_invoice_lines")
        if row["InvoiceID"] == invoice["InvoiceID"]
    ]
    keys = {name: str(uuid.uuid4()) for name in ("OrderedBy", "InvoiceTo", "DeliverTo")}
    account = next(r for r in rows(company, "accounts") if r["ID"] == invoice["OrderedBy"])
    copied = {
        **invoice,
        **keys,
        **{f"{name}Name": account["Name"] for name in keys},
        "Division": company.division + 1,
        "YourRef": "copied",
        "Salesperson": str(uuid.uuid4()),
        "Document": str(uuid.uuid4()),
    }
    codes = {key: code for code, key in item_codes(company).items()}
    copied["SalesInvoiceLines"] = [
        {
            **line,
            "Division": company.division + 1,
            "Item": str(uuid.uuid4()),
            "ItemCode": codes[line["Item"]],
            "GLAccount": None,
        }
        for line in lines
    ]
    load = runner.load(copied)
    assert load.outcomes == [("copied", "created")]
    (made,) = company.invoices("copied")
    assert {made[name] for name in keys} == {account["ID"]}
    assert made["OrderNumber"] != invoice["OrderNumber"]
    items = sorted(line["Item"] for line in company.lines(made["InvoiceID"]))
    assert items == sorted(line["Item"] for line in lines)
    assert runner.load(copied).outcomes == [("copied", "unchanged")]


def test_an_account_and_an_item_are_created_with_the_invoice_that_needs_them(
    company: Company, runner: Runner
) -> None:
    row = {
        "your_ref": "webshop-1",
        "ordered_by_code": "660001",
        "ordered_by_name": "Zesde B.V.",
        "sales_invoice_lines": [
            {"item_code": "Z-6", "item_description": "Zes", "quantity": 1, "net_price": 3}
        ],
    }
    assert runner.load(row).outcomes == [("webshop-1", "rejected")]
    allowed: dict[str, Any] = {"create_missing": ["accounts", "items"]}
    assert runner.load(row, **allowed).outcomes == [("webshop-1", "created")]
    again = {**row, "your_ref": "webshop-2"}
    assert runner.load(again, **allowed).outcomes == [("webshop-2", "created")]
    (account,) = [each for each in rows(company, "accounts") if each["Code"] == "660001"]
    assert (account["Name"], account["Status"]) == ("Zesde B.V.", "C")
    (item,) = [each for each in rows(company, "items") if each["Code"] == "Z-6"]
    assert item["Description"] == "Zes"
    assert {
        each["OrderedBy"] for name in ("webshop-1", "webshop-2") for each in company.invoices(name)
    } == {account["ID"]}


def test_every_curated_entity_is_written_by_codes(company: Company, runner: Runner) -> None:
    customer_code, item = customer(company)["Code"], next(iter(item_codes(company)))
    supplier = next(row["Code"] for row in rows(company, "accounts") if row["IsSupplier"])
    ledger = [row["Code"] for row in rows(company, "gl_accounts")]
    amount = {"GLAccountCode": ledger[-1], "AmountFC": 5}
    records: dict[str, Record] = {
        "accounts": {"Code": "440001", "Name": "Vierde B.V."},
        "contacts": {"reference": "c", "AccountCode": customer_code, "LastName": "Bos"},
        "addresses": {"reference": "a", "AccountCode": customer_code, "Type": 4, "City": "Goes"},
        "crm_bank_accounts": {"AccountCode": customer_code, "BankAccount": "NL91ABNA0417164300"},
        "items": {"Code": "N-1", "Description": "New"},
        "sales_item_prices": {"reference": "p", "ItemCode": item, "Price": "2.50"},
        "sales_orders": {
            "YourRef": "so",
            "OrderedByCode": customer_code,
            "SalesOrderLines": [{"ItemCode": item, "Quantity": 1}],
        },
        "quotations": {
            "YourRef": "q",
            "OrderAccountCode": customer_code,
            "QuotationLines": [{"ItemCode": item, "Quantity": 1}],
        },
        "sales_entries": {
            "YourRef": "se",
            "Journal": "70",
            "CustomerCode": customer_code,
            "SalesEntryLines": [amount],
        },
        "general_journal_entries": {
            "reference": "gj",
            "JournalCode": "90",
            "GeneralJournalEntryLines": [amount, {**amount, "AmountFC": -5}],
        },
        "bank_entries": {
            "reference": "b",
            "JournalCode": "20",
            "BankEntryLines": [{**amount, "AccountCode": customer_code}],
        },
        "projects": {"Code": "P9", "Description": "p", "Type": 2, "AccountCode": customer_code},
        "project_time_transactions": {"reference": "t", "ItemCode": item, "Quantity": "2.5"},
        "documents": {"Subject": "A letter", "Type": 55, "AccountCode": customer_code},
        "costcenters": {"Code": "K9", "Description": "Cost"},
        "purchase_entries": {
            "YourRef": "pe",
            "Journal": "60",
            "SupplierCode": supplier,
            "PurchaseEntryLines": [amount],
        },
        "cash_entries": {"reference": "ce", "JournalCode": "10", "CashEntryLines": [amount]},
        "purchase_orders": {
            "YourRef": "po",
            "SupplierCode": supplier,
            "PurchaseOrderLines": [{"ItemCode": item, "QuantityInPurchaseUnits": 2}],
        },
        "cost_transactions": {"reference": "ct", "ItemCode": item, "Quantity": 3},
        "subscriptions": {
            "Description": "A year of it",
            "SubscriptionTypeCode": "MND",
            "OrderedByCode": customer_code,
            "SubscriptionLines": [{"ItemCode": item, "Quantity": 1}],
        },
        "sales_invoices": {
            "YourRef": "a credit note",
            "Type": 8021,
            "OrderedByCode": customer_code,
            "SalesInvoiceLines": [{"ItemCode": item, "Quantity": -1}],
        },
    }
    for stream, record in records.items():
        load = runner.load(record, stream=stream, new_store=True)
        assert [outcome for _, outcome in load.outcomes] == ["created"], (stream, load.reasons)
        assert runner.load(record, stream=stream).outcomes[0][1] == "unchanged"


def test_what_names_its_key_needs_no_lines_but_is_not_created_without(
    company: Company, runner: Runner
) -> None:
    runner.load(company.invoice("known"))
    (invoice,) = company.invoices("known")
    change = {"YourRef": "known", "InvoiceID": invoice["InvoiceID"], "Description": "new"}
    assert runner.load(change, load_method="upsert").outcomes == [("known", "updated")]
    assert company.invoices("known")[0]["Description"] == "new"
    unknown = {**change, "YourRef": "unknown", "InvoiceID": THERE}
    load = runner.load(unknown, load_method="upsert")
    assert load.outcomes == [("unknown", "rejected")]
    assert str(load.reasons[0]).endswith("OrderedBy is missing; SalesInvoiceLines is missing")
    assert company.invoices("unknown") == []


def test_a_wrong_code_is_never_left_out(company: Company, lookups: Lookups) -> None:
    line = {"ItemCode": next(iter(item_codes(company))), "Quantity": 1, "GLAccount": "none such"}
    record = {"YourRef": "w", "OrderedBy": company.customer, "SalesInvoiceLines": [line]}
    made = document(company, {**record, "WarehouseCode": "none such", "SelectionCode": "none such"})
    resolve(lookups, [made], None)
    assert len(made.problems) == 3
    assert made.notes == []
