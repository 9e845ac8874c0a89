"""The documentation site in a real browser: it fits a telephone, and has dark colours."""

from __future__ import annotations

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from typing_extensions import override

from scripts.browser import browser
from tests.chromium import in_chromium

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import BrowserContext
    from playwright.sync_api import Page as Tab

NARROW = 390
CUT_OFF = """
() => {
  const width = document.documentElement.clientWidth;
  const scrolls = element => ["auto", "scroll"].includes(getComputedStyle(element).overflowX);
  const reached = element => {
    for (let each = element; each !== document.body; each = each.parentElement)
      if (scrolls(each) && each.getBoundingClientRect().right <= width) return true;
    return false;
  };
  return [...document.querySelectorAll(".md-content__inner *")]
    .filter(each => each.getBoundingClientRect().right > width + 1 && !reached(each))
    .map(each => each.outerHTML.slice(0, 80));
}
"""
"""What stands right of the screen, and in nothing that scrolls."""

pytestmark = in_chromium("the documentation was not opened")


class Quiet(SimpleHTTPRequestHandler):
    @override
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    handler = partial(Quiet, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def context() -> Iterator[BrowserContext]:
    size = {"width": NARROW, "height": 800}
    with browser(script=True, viewport=size, color_scheme="dark") as opened:
        yield opened


@pytest.mark.slow
def test_every_page_fits_a_telephone(tab: Tab, site: Path, address: str) -> None:
    pages = sorted(site.glob("*.html"))
    assert pages
    # Each page would read the index of all of them.
    tab.route("**/search/**", lambda route: route.abort())
    for page in pages:
        tab.goto(f"{address}/{page.name}", wait_until="load")
        assert tab.evaluate("document.documentElement.scrollWidth") <= NARROW, page.name
        assert tab.evaluate(CUT_OFF) == [], page.name


def test_names_in_tables_stay_whole(tab: Tab, address: str) -> None:
    tab.goto(f"{address}/models.html")
    name = tab.locator("td code", has_text="exact__trial_balance").first
    assert name.evaluate("code => code.getClientRects().length") == 1
    frame = tab.locator(".md-typeset__scrollwrap", has=name).first
    assert frame.evaluate("frame => frame.scrollWidth > frame.clientWidth")


def test_dark_colours_follow_the_system_until_another_choice(tab: Tab, address: str) -> None:
    tab.goto(f"{address}/index.html")
    body = tab.locator("body")
    assert body.get_attribute("data-md-color-scheme") == "slate"
    for scheme in ("default", "slate", "slate"):
        tab.locator("label[title^='Switch'], label[title^='Use']").locator("visible=true").click()
        assert body.get_attribute("data-md-color-scheme") == scheme


def test_the_search_finds_a_word(tab: Tab, address: str) -> None:
    tab.goto(f"{address}/index.html")
    tab.locator("label[for=__search]").locator("visible=true").first.click()
    ready = tab.locator(".md-search-result__meta", has_text="Type to start searching")
    ready.wait_for(timeout=60_000)
    # The search listens to keys alone.
    tab.locator(".md-search__input").press_sequentially("unpaid")
    tab.locator(".md-search-result__link[href*='finance.html']").first.wait_for(timeout=20_000)
