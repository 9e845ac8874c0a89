"""The report in a real browser: nothing leaves it, and it fits a narrow screen and paper."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from exactonline_cli.main import main
from scripts.browser import browser
from tests.chromium import in_chromium

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import BrowserContext
    from playwright.sync_api import Page as Tab

NARROW = 320

pytestmark = in_chromium("the report was not opened")


@pytest.fixture(scope="module")
def context() -> Iterator[BrowserContext]:
    with browser(viewport={"width": NARROW, "height": 700}, color_scheme="dark") as opened:
        yield opened


@pytest.fixture
def tab(context: BrowserContext, database: Path, run_results: Path) -> Iterator[Tab]:
    path = Path("report.html").resolve()
    options = ["--database", f"duckdb:///{database}", "--run-results", str(run_results)]
    done = CliRunner().invoke(main, ["report", *options, "-o", str(path)])
    assert done.exit_code == 0, done.output
    opened = context.new_page()
    requests: list[str] = []
    problems: list[str] = []
    opened.on("request", lambda request: requests.append(request.url))
    opened.on("console", lambda message: problems.append(message.text))
    opened.goto(path.as_uri())
    yield opened
    opened.close()
    assert requests == [path.as_uri()]
    assert problems == []


def test_it_fits_a_narrow_screen(tab: Tab) -> None:
    assert tab.evaluate("document.documentElement.scrollWidth") <= NARROW
    smallest = tab.evaluate(
        "Math.min(...[...document.querySelectorAll('svg text')].map("
        "text => text.getBoundingClientRect().height))"
    )
    assert smallest >= 9
    # Amounts may scroll within their own frame, which the keyboard reaches.
    frames = tab.locator(".wide")
    assert frames.count() == tab.locator(".wide[tabindex='0']").count() > 0


def test_dark_and_light_are_legible(tab: Tab) -> None:
    def lightness(style: str) -> float:
        colour = tab.evaluate(f"getComputedStyle(document.body).{style}")
        numbers = [float(part) for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
        return sum(numbers) / 3

    assert lightness("color") > lightness("backgroundColor") + 150
    tab.emulate_media(color_scheme="light")
    assert lightness("backgroundColor") > lightness("color") + 150
    tab.emulate_media(media="print", color_scheme="dark")
    assert lightness("backgroundColor") > lightness("color") + 150
    tab.emulate_media(media="screen", color_scheme="dark")


def test_plots_have_names_for_those_who_hear_them(tab: Tab) -> None:
    image = tab.get_by_role("img", name="Net result by period").first
    assert image.evaluate("each => each.getBoundingClientRect().width") > 250


def test_it_prints(tab: Tab, tmp_path: Path) -> None:
    printed = tab.pdf(path=tmp_path / "report.pdf", format="A4")
    assert printed.startswith(b"%PDF")
    pages = printed.count(b"/Type /Page\n")
    assert 2 <= pages <= 9
