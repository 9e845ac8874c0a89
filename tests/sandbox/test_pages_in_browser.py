"""The pages of the sandbox in Debian's Chromium: wide and narrow, light and dark."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from exactonline_sandbox import Sandbox, SandboxConfig
from scripts.browser import browser
from tests.chromium import in_chromium
from tests.sandbox.conftest import NOON, Api

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import BrowserContext
    from playwright.sync_api import Page as Tab

WIDE, NARROW = {"width": 1100, "height": 800}, {"width": 390, "height": 800}
REFERENCE = "PO-2026/0042-" + "A" * 40

pytestmark = in_chromium("the sandbox's pages were not tested")


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    config = SandboxConfig(invoices=60, divisions=3, clock=NOON, speed=0.0)
    with Sandbox(config).running() as server:
        made = Api(server)
        customer = made.rows("crm/Accounts?$filter=Status eq 'C'&$top=1&$select=ID")[0]["ID"]
        items = made.rows("logistics/Items?$top=2&$select=ID")
        lines = [
            {"Item": item["ID"], "Quantity": 1.125, "NetPrice": 1049.95, "VATCode": code}
            for item, code in zip(items, ("2", "4"), strict=True)
        ]
        body = {"OrderedBy": customer, "YourRef": REFERENCE, "Discount": 0.1}
        made.create("salesinvoice/SalesInvoices", {**body, "SalesInvoiceLines": lines})
        yield made


@pytest.fixture(scope="module")
def context() -> Iterator[BrowserContext]:
    with browser(viewport=WIDE) as opened:
        yield opened


@pytest.fixture
def tab(context: BrowserContext, api: Api) -> Iterator[Tab]:
    """A tab in which nothing may be complained of, and from which nothing may leave."""
    opened = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    yield opened
    opened.close()
    assert not said
    assert asked
    assert not [url for url in asked if not url.startswith((api.server.base_url, "data:"))]


def home(tab: Tab, api: Api) -> None:
    tab.goto(api.server.base_url)


def invoice(tab: Tab, api: Api) -> None:
    home(tab, api)
    row = tab.get_by_role("row").filter(has_text=REFERENCE)
    row.get_by_role("link").click()


def company(tab: Tab, api: Api) -> None:
    home(tab, api)
    tab.get_by_role("link", name=str(api.division), exact=True).click()


def entry(tab: Tab, api: Api) -> None:
    company(tab, api)
    tab.locator('a[href*="/entries/"]').first.click()


def account(tab: Tab, api: Api) -> None:
    row = api.rows("crm/Accounts?$top=1&$select=ID")[0]
    tab.goto(api.url(f"crm/Accounts(guid'{row['ID']}')"))


def calls(tab: Tab, api: Api) -> None:
    home(tab, api)
    tab.get_by_role("link", name="Calls", exact=True).click()


def sign_in(tab: Tab, api: Api) -> None:
    app = api.server.credentials
    query = {"client_id": app.client_id, "redirect_uri": app.redirect_uris[0]}
    address = f"{api.server.base_url}/api/oauth2/auth"
    tab.goto(f"{address}?{urlencode({**query, 'response_type': 'code'})}")


PAGES = {
    "Companies": home,
    "De Gouden Krakeling": company,
    "Invoice": invoice,
    "Entry": entry,
    "Account": account,
    "Calls": calls,
    "Allow access?": sign_in,
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("title", PAGES)
def test_each_page_fits_a_screen_and_a_telephone(
    tab: Tab, api: Api, title: str, scheme: str
) -> None:
    tab.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    open_page: Callable[[Tab, Api], None] = PAGES[title]
    open_page(tab, api)
    expect(tab.get_by_role("heading", level=1)).to_contain_text(title)
    for size in (WIDE, NARROW):
        tab.set_viewport_size({"width": size["width"], "height": size["height"]})
        whole, seen = tab.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert whole <= seen == size["width"]
    ground, text = (
        [int(part) for part in re.findall(r"\d+", tab.locator("body").evaluate(
            f"body => getComputedStyle(body).{name}"))][:3]
        for name in ("backgroundColor", "color")
    )  # fmt: skip
    assert (sum(ground) < sum(text)) == (scheme == "dark")


def test_an_invoice_looks_like_one(tab: Tab, api: Api) -> None:
    invoice(tab, api)
    paper = tab.locator(".paper")
    for said in ("De Gouden Krakeling B.V.", "VAT number", REFERENCE, "1.125", "1,049.95", "Open"):
        expect(paper).to_contain_text(said)
    totals = paper.locator(".totals tr")
    rows = [row.split("\t") for row in totals.all_inner_texts()]
    assert [title.partition(" on ")[0] for title, _ in rows] == [
        "Discount 10%",
        "Without VAT",
        "VAT 9%",
        "VAT 21%",
        "Total EUR",
    ]
    assert [amount for _, amount in rows] == [
        "-236.24", "2,126.14", "95.68", "223.25", "2,445.07",
    ]  # fmt: skip
    right = [each["x"] + each["width"] for row in totals.locator("td").all()
             if (each := row.bounding_box())]  # fmt: skip
    assert len({round(edge) for edge in right}) == 1
