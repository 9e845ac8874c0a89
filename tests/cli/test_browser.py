"""The page in a real browser: Debian's Chromium, all four steps, and what goes wrong on the way.

Run with --screenshots to write pictures of the steps to docs/images.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from exactonline_cli.sign_in.page.shortcut import shortcut
from exactonline_client import regions
from scripts.browser import browser
from tests.chromium import in_chromium

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import BrowserContext
    from playwright.sync_api import Page as Tab

    from exactonline_sandbox import Server
    from tests.cli.conftest import Page

IMAGES = Path(__file__).parents[2] / "docs" / "images"

pytestmark = in_chromium("the sign-in page was not tested")


@pytest.fixture(scope="module")
def context() -> Iterator[BrowserContext]:
    with browser(viewport={"width": 760, "height": 560}, color_scheme="light") as opened:
        # The redirect address of the app: a page on the web that need not know anything.
        opened.route("https://example.com/**", lambda route: route.fulfill(body="Nothing here."))
        yield opened


@pytest.fixture
def picture(pytestconfig: pytest.Config) -> Callable[[Tab, str], None]:
    """Takes a picture of a step, where that was asked for."""

    def take(tab: Tab, name: str) -> None:
        if pytestconfig.getoption("screenshots", default=False):
            IMAGES.mkdir(exist_ok=True)
            tab.screenshot(path=IMAGES / f"connect-{name}.png", full_page=True)

    return take


def enter(tab: Tab, page: Page) -> None:
    """Open the page as the program does: by a file that leads to its address."""
    with shortcut(page.visit.address) as opened:
        assert opened
        tab.goto(opened)
        tab.wait_for_url("**/region")


def choose_region(tab: Tab, name: str = "Netherlands") -> None:
    tab.get_by_label(name).check()
    tab.get_by_role("button", name="Continue").click()


def fill_app(tab: Tab, server: Server, secret: str | None = None) -> None:
    app = server.credentials
    tab.get_by_label("Client ID", exact=True).fill(app.client_id)
    tab.get_by_label("Client secret").fill(secret or app.client_secret)
    tab.get_by_label("Redirect URI").fill(app.redirect_uris[0])
    tab.get_by_role("button", name="Continue").click()


def at_exact(tab: Tab, decision: str = "Allow") -> str:
    """Sign in, in the tab that opens; the address one lands on, as it is in the address bar."""
    with tab.context.expect_page() as opening:
        tab.get_by_role("link", name="Sign in at Exact Online").click()
    exact = opening.value
    exact.get_by_role("button", name=decision).click()
    exact.wait_for_url("https://example.com/**")
    landed = exact.url
    exact.close()
    return landed


def paste(tab: Tab, address: str) -> None:
    tab.get_by_label("The address your browser ended at").fill(address)
    tab.get_by_role("button", name="Continue").click()


def expect_problem(tab: Tab, field: str, told: str) -> None:
    """The summary has the focus, says what is wrong, and leads to the field."""
    summary = tab.get_by_role("alert")
    expect(summary).to_be_focused()
    summary.get_by_role("link", name=re.compile(told)).click()
    expect(tab.get_by_label(field)).to_be_focused()
    expect(tab.get_by_label(field)).to_have_attribute("aria-invalid", "true")
    assert tab.title().startswith("Error: ")


def test_four_steps(
    tab: Tab, open_page: Callable[..., Page], server: Server, picture: Callable[[Tab, str], None]
) -> None:
    page = open_page(name="books")
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    faults: list[Any] = []
    tab.on("console", lambda message: faults.append(message.text))
    enter(tab, page)
    assert page.visit.cookie not in tab.url
    assert "key=" not in tab.url
    expect(tab.get_by_role("heading", level=1)).to_have_text("Where do you use Exact Online?")
    picture(tab, "1-region")
    choose_region(tab)
    tab.get_by_label("Client ID", exact=True).fill(server.credentials.client_id)
    tab.get_by_label("Client secret").fill(server.credentials.client_secret)
    tab.get_by_label("Redirect URI").fill(server.credentials.redirect_uris[0])
    tab.get_by_label("Name of this connection").fill("books")
    picture(tab, "2-app")
    tab.get_by_role("button", name="Continue").click()
    picture(tab, "3-sign-in")
    paste(tab, at_exact(tab))
    expect(tab.get_by_label("De Gouden Krakeling B.V.")).to_be_checked()
    tab.get_by_label("Café-supplies 't Hoekje").check()
    # Without its script the page counts with each search.
    tab.get_by_role("button", name="Search").click()
    expect(tab.get_by_text("2 of 3 selected")).to_be_visible()
    picture(tab, "4-divisions")
    tab.get_by_role("button", name="Continue").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("Connected")
    commands = tab.get_by_label("Commands", exact=True)
    expect(commands).to_contain_text(
        "meltano config set tap-exactonline divisions '[1700001, 1700003]'"
    )
    assert server.credentials.client_secret not in tab.content()
    tab.get_by_role("button", name="Finish").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("Done")
    assert page.closed()
    assert asked.pop(0).startswith("file://")
    assert all(url.startswith(page.origin) for url in asked), asked
    assert not faults, "the content security policy has to let the page's own style through"


def test_the_style_is_applied(tab: Tab, open_page: Callable[..., Page]) -> None:
    enter(tab, open_page())
    width = tab.locator("main").bounding_box()
    assert width is not None
    assert width["width"] < 700


def test_the_keyboard_is_enough(tab: Tab, open_page: Callable[..., Page], server: Server) -> None:
    enter(tab, open_page())
    tab.keyboard.press("Tab")
    expect(tab.get_by_role("link", name="Skip to the content")).to_be_focused()
    tab.keyboard.press("Tab")
    expect(tab.get_by_role("button", name="Nederlands")).to_be_focused()
    tab.keyboard.press("Tab")
    expect(tab.get_by_label("Netherlands")).to_be_focused()
    tab.keyboard.press("Enter")
    tab.get_by_label("Client ID", exact=True).focus()
    app = server.credentials
    for text in (app.client_id, app.client_secret, app.redirect_uris[0]):
        tab.keyboard.type(text)
        tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("heading", level=1)).to_have_text("Sign in at Exact Online")


def test_a_wrong_secret(tab: Tab, open_page: Callable[..., Page], server: Server) -> None:
    enter(tab, open_page())
    choose_region(tab)
    fill_app(tab, server, secret="wrong")
    paste(tab, at_exact(tab))
    expect_problem(tab, "Client secret", "does not accept this client ID")
    fill_app(tab, server)
    paste(tab, at_exact(tab))
    expect(tab.get_by_role("heading", level=1)).to_have_text("Which divisions?")


def test_refused_consent(tab: Tab, open_page: Callable[..., Page], server: Server) -> None:
    enter(tab, open_page())
    choose_region(tab)
    fill_app(tab, server)
    paste(tab, at_exact(tab, "Deny"))
    expect_problem(tab, "The address your browser ended at", "Access was refused")
    paste(tab, at_exact(tab))
    expect(tab.get_by_role("heading", level=1)).to_have_text("Which divisions?")


def test_an_expired_code(tab: Tab, open_page: Callable[..., Page], server: Server) -> None:
    enter(tab, open_page())
    choose_region(tab)
    fill_app(tab, server)
    landed = at_exact(tab)
    server.control.clock(advance_seconds=181)
    paste(tab, landed)
    expect_problem(tab, "The address your browser ended at", "three minutes")
    paste(tab, at_exact(tab))
    expect(tab.get_by_role("heading", level=1)).to_have_text("Which divisions?")


def test_the_wrong_region(
    tab: Tab,
    open_page: Callable[..., Page],
    server: Server,
    elsewhere: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for code, name, place in (("nl", "Netherlands", server), ("be", "Belgium", elsewhere)):
        region = regions.Region(code, name, place.base_url, "Europe/Amsterdam")
        monkeypatch.setitem(regions.REGIONS, code, region)
    enter(tab, open_page(base_url=None))
    choose_region(tab, "Belgium")
    fill_app(tab, server)
    with tab.context.expect_page() as opening:
        tab.get_by_role("link", name="Sign in at Exact Online").click()
    expect(opening.value.get_by_text("The client_id is not known here.")).to_be_visible()
    opening.value.close()
    tab.get_by_role("main").get_by_role("link", name="region", exact=True).click()
    choose_region(tab, "Netherlands")
    expect(tab.get_by_text("Already stored")).to_be_visible()
    tab.get_by_role("button", name="Continue").click()
    paste(tab, at_exact(tab))
    expect(tab.get_by_role("heading", level=1)).to_have_text("Which divisions?")


def test_an_address_that_forwards(
    tab: Tab, open_page: Callable[..., Page], server: Server, context: BrowserContext
) -> None:
    page = open_page()
    address = "https://forwarding.example.com/exact"
    server.control.add_redirect_uri(address)
    context.route(
        f"{address}**",
        lambda route: route.fulfill(
            status=302,
            headers={
                "Location": route.request.url.replace(address, f"{page.origin}/callback"),
            },
        ),
    )
    enter(tab, page)
    choose_region(tab)
    app = server.credentials
    tab.get_by_label("Client ID", exact=True).fill(app.client_id)
    tab.get_by_label("Client secret").fill(app.client_secret)
    tab.get_by_label("Redirect URI").fill(address)
    tab.get_by_role("button", name="Continue").click()
    with tab.context.expect_page() as opening:
        tab.get_by_role("link", name="Sign in at Exact Online").click()
    exact = opening.value
    exact.get_by_role("button", name="Allow").click()
    expect(exact.get_by_role("heading", level=1)).to_have_text("Signed in")
    # It goes on by itself, without a script.
    expect(exact.get_by_role("heading", level=1)).to_have_text("Which divisions?")
    exact.close()
    tab.get_by_role("link", name="continue").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("Which divisions?")
