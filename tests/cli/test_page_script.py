"""The page with its script in Chromium, and its accessibility by axe-core."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import pytest
from playwright.sync_api import expect

from scripts.browser import browser
from tests.chromium import in_chromium
from tests.cli.test_browser import at_exact, choose_region, enter, fill_app, paste

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from click.testing import Result
    from playwright.sync_api import BrowserContext
    from playwright.sync_api import Page as Tab

    from exactonline_sandbox import Server
    from tests.cli.conftest import Page

Scheme: TypeAlias = Literal["light", "dark"]

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
VIEWS: tuple[tuple[Scheme, int], ...] = (
    ("light", 390),
    ("light", 1280),
    ("dark", 390),
    ("dark", 1280),
)
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}

pytestmark = in_chromium("the script of the sign-in page was not tested")
needs_axe = pytest.mark.skipif(
    not AXE.exists(),
    reason="NO AXE: the accessibility of the sign-in page was not checked. Install it with "
    "npm install --prefix tests/cli --no-package-lock",
)


@pytest.fixture(scope="module")
def context() -> Iterator[BrowserContext]:
    with browser(script=True) as opened:
        opened.grant_permissions(["clipboard-read", "clipboard-write"])
        opened.route("https://example.com/**", lambda route: route.fulfill(body="Nothing here."))
        yield opened


def to_divisions(tab: Tab, page: Page, server: Server) -> None:
    enter(tab, page)
    choose_region(tab)
    fill_app(tab, server)
    paste(tab, at_exact(tab))
    expect(tab.get_by_role("heading", level=1)).to_have_text("Which divisions?")


def test_the_waiting_tab_continues_by_itself(
    tab: Tab, context: BrowserContext, open_page: Callable[..., Page], server: Server
) -> None:
    page = open_page()
    enter(tab, page)
    choose_region(tab)
    fill_app(tab, server)
    landed = at_exact(tab)
    context.new_page().goto(f"{page.visit.origin}/callback?{landed.partition('?')[2]}")
    expect(tab.get_by_role("heading", level=1)).to_have_text("Which divisions?")


def test_search_count_and_select_all_at_once(
    tab: Tab, open_page: Callable[..., Page], server: Server
) -> None:
    to_divisions(tab, open_page(), server)
    count = tab.locator("#count")
    rows = tab.locator("#divisions-list .choice:visible")
    expect(count).to_have_text("1 of 3 selected")
    tab.get_by_label("Search by name or code").fill("1700002")
    expect(rows).to_have_count(1)
    tab.get_by_role("button", name="Select all shown").click()
    expect(count).to_have_text("2 of 3 selected")
    tab.get_by_label("Search by name or code").fill("")
    expect(rows).to_have_count(3)
    tab.get_by_role("button", name="Clear all shown").click()
    expect(count).to_have_text("0 of 3 selected")
    tab.get_by_label("1700003").check()
    tab.get_by_role("button", name="Continue").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("Connected")
    tab.get_by_role("button", name="Copy").first.click()
    expect(tab.get_by_role("button", name="Copied")).to_be_visible()
    copied = tab.evaluate("navigator.clipboard.readText()")
    assert "meltano config set tap-exactonline divisions '[1700003]'" in copied


@needs_axe
def test_no_violation_of_accessibility(
    tab: Tab, open_page: Callable[..., Page], server: Server
) -> None:
    page = open_page()
    enter(tab, page)
    found = check(tab, "region")
    choose_region(tab)
    tab.get_by_text("How to register an app at Exact").click()
    found += check(tab, "app")
    tab.get_by_role("button", name="Continue").click()
    found += check(tab, "app with problems")
    fill_app(tab, server)
    found += check(tab, "sign-in")
    paste(tab, at_exact(tab))
    found += check(tab, "divisions")
    tab.get_by_role("button", name="Continue").click()
    tab.get_by_role("button", name="Show the last three").click()
    expect(tab.get_by_role("table")).to_be_visible()
    found += check(tab, "connected")
    tab.get_by_role("button", name="Nederlands").click()
    found += check(tab, "connected, in Dutch")
    assert found == []


@needs_axe
def test_the_callback_page(
    tab: Tab, command: Callable[..., Result], tmp_path: Path, context: BrowserContext
) -> None:
    file = tmp_path / "callback.html"
    assert command("connect", "--callback-page", str(file)).exit_code == 0
    context.route(
        "https://hosted.example.com/**",
        lambda route: route.fulfill(body=file.read_text(), content_type="text/html; charset=utf-8"),
    )
    tab.goto("https://hosted.example.com/callback?code=abc&state=def")
    expect(tab.locator("#address")).to_have_text(tab.url)
    assert check(tab, "callback") == []
    tab.get_by_role("button", name="Copy").click()
    expect(tab.get_by_role("button", name="Copied")).to_be_visible()
    assert tab.evaluate("navigator.clipboard.readText()") == tab.url


def check(tab: Tab, step: str, views: Iterable[tuple[Scheme, int]] = VIEWS) -> list[str]:
    """Violations that axe finds on a page, and widths that it does not fit in."""
    found = []
    tab.evaluate(AXE.read_text(encoding="utf-8"))
    for scheme, width in views:
        tab.emulate_media(color_scheme=scheme)
        tab.set_viewport_size({"width": width, "height": 900})
        seen = f"{step}, {scheme}, {width} px"
        violations = tab.evaluate("rules => axe.run(document, rules)", RULES)["violations"]
        found += [
            f"{seen}: {violation['id']}: {node['html']}"
            for violation in violations
            for node in violation["nodes"]
        ]
        if tab.evaluate("document.documentElement.scrollWidth") > width:
            found.append(f"{seen}: wider than the screen")
    return found
