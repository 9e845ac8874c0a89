"""Documents that are refused, and discounts of whole invoices."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exactonline_sandbox import Sandbox, SandboxConfig
from exactonline_sandbox.books.amounts import line_values
from exactonline_sandbox.business.discounts import discounted, header_totals
from tests.sandbox.conftest import NOON, Api

if TYPE_CHECKING:
    from collections.abc import Iterator

INVOICES = "salesinvoice/SalesInvoices"
ENTRIES = "salesentry/SalesEntries"
BILLS = "purchaseentry/PurchaseEntries"


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    config = SandboxConfig(
        invoices=8, clock=NOON, speed=0.0, minutely_limit=10**6, daily_limit=10**6
    )
    config.switches.error_limit = False
    with Sandbox(config).running() as server:
        yield Api(server)


@pytest.fixture(scope="module")
def keys(api: Api) -> dict[str, str]:
    """Rows to refer to, by the words that the tests use for them."""

    def first(path: str) -> str:
        return str(api.rows(f"{path}&$top=1&$select=ID")[0]["ID"])

    def account(**values: object) -> str:
        return str(api.create("crm/Accounts", {"Name": "Foobar", **values})["ID"])

    return {
        "customer": account(Status="C"),
        "supplier": account(IsSupplier=True),
        "prospect": account(Status="P"),
        "item": first("logistics/Items?$filter=IsSalesItem eq true"),
        "revenue": first("financial/GLAccounts?$filter=Code eq '8000'"),
    }


def invoice(keys: dict[str, str], **values: Any) -> dict[str, Any]:
    line = {"Item": keys["item"], "Quantity": 2, "NetPrice": 100, "VATCode": "2"}
    return {"OrderedBy": keys["customer"], "SalesInvoiceLines": [line], **values}


def entry(keys: dict[str, str], **values: Any) -> dict[str, Any]:
    line = {"GLAccount": keys["revenue"], "AmountFC": 100}
    return {"Journal": "70", "Customer": keys["customer"], "SalesEntryLines": [line], **values}


def bill(keys: dict[str, str], **values: Any) -> dict[str, Any]:
    line = {"GLAccount": keys["revenue"], "AmountFC": 100}
    return {"Journal": "60", "Supplier": keys["supplier"], "PurchaseEntryLines": [line], **values}


@pytest.mark.parametrize(
    ("path", "make", "values", "words"),
    [
        (INVOICES, invoice, {"OrderedBy": "prospect"}, "is not a customer: OrderedBy"),
        (INVOICES, invoice, {"InvoiceTo": "supplier"}, "is not a customer: InvoiceTo"),
        (ENTRIES, entry, {"Customer": "supplier"}, "is not a customer: Customer"),
        (BILLS, bill, {"Supplier": "customer"}, "is not a supplier: Supplier"),
        (INVOICES, invoice, {"InvoiceDate": "2018-12-31"}, "2018-12-31 is outside the financial"),
        (INVOICES, invoice, {"InvoiceDate": "2062-03-04"}, "2062-03-04 is outside the financial"),
        (ENTRIES, entry, {"EntryDate": "1999-01-01"}, "1999-01-01 is outside the financial"),
        (BILLS, bill, {"EntryDate": "2099-01-01"}, "2099-01-01 is outside the financial"),
        (INVOICES, invoice, {"Currency": "EURO"}, "Invalid reference: Currency EURO"),
        (ENTRIES, entry, {"Currency": "XYZ"}, "Invalid reference: Currency XYZ"),
        (INVOICES, invoice, {"Discount": 10}, "Discount 10 is not between 0 and 1"),
        (INVOICES, invoice, {"Discount": -0.1}, "Discount -0.1 is not between 0 and 1"),
    ],
)
def test_documents_that_cannot_be_are_refused(  # noqa: PLR0917
    api: Api, keys: dict[str, str], path: str, make: Any, values: dict[str, Any], words: str
) -> None:
    given = {name: keys.get(value, value) for name, value in values.items()}
    answer = api.call("POST", path, make(keys, **given))
    assert answer.status_code == 500
    assert words in api.message(answer)
    assert api.call("POST", path, make(keys)).status_code == 201


def test_lines_and_changes_are_refused_alike(api: Api, keys: dict[str, str]) -> None:
    body = invoice(keys)
    body["SalesInvoiceLines"][0]["Discount"] = 1.5
    assert "Discount 1.5" in api.message(api.call("POST", INVOICES, body))
    made = api.create(INVOICES, invoice(keys))["InvoiceID"]
    refused = api.call("PUT", f"{INVOICES}(guid'{made}')", {"Discount": 2})
    assert (refused.status_code, "Discount 2" in api.message(refused)) == (500, True)


def test_the_discount_of_an_invoice_is_reckoned_and_booked(api: Api, keys: dict[str, str]) -> None:
    made = api.create(INVOICES, invoice(keys, Discount=0.1))
    assert (made["AmountFCExclVat"], made["AmountFC"]) == (180, 217.8)
    assert (made["AmountDiscountExclVat"], made["AmountDiscount"]) == (20, 24.2)
    one = f"{INVOICES}(guid'{made['InvoiceID']}')"
    assert api.call("PUT", one, {"Discount": 0.25}).status_code == 204
    changed = api.one(INVOICES, made["InvoiceID"])
    assert (changed["AmountFCExclVat"], changed["VATAmountFC"]) == (150, 31.5)
    api.create("salesinvoice/PrintedSalesInvoices", {"InvoiceID": made["InvoiceID"]})
    number = api.one(INVOICES, made["InvoiceID"])["InvoiceNumber"]
    path = f"financialtransaction/TransactionLines?$filter=EntryNumber eq {number}"
    amounts = [line["AmountDC"] for line in api.rows(path)]
    assert max(amounts) == 181.5
    assert sum(amounts) == pytest.approx(0)


LINES = st.lists(
    st.tuples(st.decimals(-100, 100, places=3), st.decimals(0, 10_000, places=2)), min_size=1
)


@given(LINES, st.decimals(0, 1, places=4), st.sampled_from(["0", "0.09", "0.21"]))
def test_discounted_lines_add_up_to_the_invoice(
    prices: list[tuple[Decimal, Decimal]], discount: Decimal, rate: str
) -> None:
    code = {"Percentage": Decimal(rate)}
    lines = [line_values(quantity, price, code) for quantity, price in prices]
    header = {"Discount": discount, **header_totals(lines, discount)}
    shared = discounted(lines, header)
    assert sum(line["AmountFC"] for line in shared) == header["AmountFCExclVat"]
    assert sum(line["VATAmountFC"] for line in shared) == header["VATAmountFC"]
    assert header["AmountFCExclVat"] + header["VATAmountFC"] == header["AmountFC"]
    whole = sum(line["AmountFC"] for line in lines)
    assert header["AmountFCExclVat"] + header["AmountDiscountExclVat"] == whole
