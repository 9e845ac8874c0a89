"""The dashboard in Chromium: search, a replay to its end, renaming, revoking, accessibility."""

from __future__ import annotations

import re
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from exactonline_cli.sign_in.page.shortcut import shortcut
from exactonline_client import connections
from exactonline_client.store.store import Store
from exactonline_sandbox import Sandbox, SandboxConfig
from scripts.browser import browser
from tests.chromium import in_chromium
from tests.cli.dashboard.conftest import DIVISION, NOW, OTHER, Shelf, running
from tests.cli.test_commands import sign_in
from tests.cli.test_page_script import VIEWS, check, needs_axe
from tests.cli.test_results import TestReplay as Replays

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page as Tab

    from exactonline_cli.dashboard.session import Dashboard
    from exactonline_sandbox import Server

pytestmark = in_chromium("the dashboard was not tested")

EACH_ONCE = (VIEWS[0], VIEWS[-1])
"""Each scheme and each width, in half of their combinations: colours do not depend on the width."""
HEAD = "Factuurnummer;Aantal;Exact import: row;Exact import: reason\n"


@dataclass
class Scene:
    """A browser that was admitted to a dashboard, before a store with a sign-in to a sandbox."""

    tab: Tab
    shelf: Shelf
    server: Server
    dashboard: Dashboard
    app: str
    asked: list[str]
    faults: list[str]

    def go(self, path: str) -> Tab:
        self.tab.goto(self.dashboard.origin + path)
        return self.tab

    def post(self, reference: str, outcome: str, **more: object) -> None:
        self.shelf.post(reference, outcome, **{"app": self.app, **more})


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("project")
    (folder / "may.rejected.csv").write_text(f"{HEAD}M-1;1,O;7;no number in Aantal\n")
    url = f"sqlite:///{tmp_path_factory.mktemp('store') / 'store.db'}"
    with ExitStack() as stack:
        server = stack.enter_context(
            Sandbox(SandboxConfig(seed=3, invoices=2, divisions=3)).running()
        )
        sign_in(server, url)
        store = stack.enter_context(closing(Store(url)))
        app = connections.load(store)[0].app_key
        shelf = Shelf(store)
        for number, calls in enumerate((40, 7, 120), 2):
            shelf.run(number, calls, exit_code=5 if calls == 7 else 0)
        shelf.post(
            "M-1", "rejected", app=app, reason="no account has code 7", content={"YourRef": "M-1"}
        )
        with (
            running(store, folder) as dashboard,
            browser(script=True) as context,
            shortcut(dashboard.address) as opened,
        ):
            tab = context.new_page()
            asked: list[str] = []
            faults: list[str] = []
            tab.on("request", lambda request: asked.append(request.url))
            tab.on("console", lambda message: faults.append(message.text))
            assert opened
            tab.goto(opened)
            tab.wait_for_url("**/overview")
            asked.clear()
            yield Scene(tab, shelf, server, dashboard, app, asked, faults)


@pytest.fixture(autouse=True)
def _alone(scene: Scene) -> Iterator[None]:
    """Nothing of a third party is loaded, and the policy lets through what the pages bring."""
    scene.faults.clear()
    yield
    assert all(url.startswith(scene.dashboard.origin) for url in scene.asked), scene.asked
    assert [fault for fault in scene.faults if "status of 404" not in fault] == []


def test_the_overview(scene: Scene) -> None:
    tab = scene.go("/overview")
    expect(tab.get_by_role("heading", name="books")).to_be_visible()
    expect(tab.get_by_role("img", name=re.compile("Calls by run"))).to_be_visible()
    expect(tab.get_by_role("region", name="books")).to_contain_text("days unless it is used")
    expect(tab.get_by_role("row", name=re.compile(f"{DIVISION} .* of 5,000"))).to_be_visible()


def test_search_and_filter(scene: Scene) -> None:
    scene.post("FIND-1", "created", number="26700001", at=NOW - 9)
    scene.post("FIND-2", "rejected", reason="no item has code X", division=OTHER, at=NOW - 10)
    tab = scene.go("/postings")
    tab.get_by_label("Reference, number").fill("find")
    tab.keyboard.press("Enter")
    rows = tab.get_by_role("rowheader")
    expect(rows).to_have_text(["FIND-1", "FIND-2"])
    tab.get_by_label("Outcome").select_option("rejected")
    tab.get_by_role("button", name="Search").click()
    expect(rows).to_have_text(["FIND-2"])
    tab.get_by_role("link", name="FIND-2").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("Posting FIND-2")
    expect(tab.get_by_text("no item has code X")).to_be_visible()


def test_a_replay_is_shown_before_it_is_sent(scene: Scene) -> None:
    content = Replays.invoice(scene.server, "SEND-1")
    scene.post("SEND-1", "rejected", reason="the period was closed", content=content)
    tab = scene.go("/postings?q=SEND-1")
    tab.get_by_role("link", name="SEND-1").click()
    tab.get_by_role("button", name="Try to send it again").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("What would be sent again")
    send = tab.get_by_role("button", name="Send it now")
    # The script loads the page again when the program has ended.
    expect(send).to_be_visible(timeout=60_000)
    row = tab.get_by_role("row", name=re.compile("SEND-1"))
    expect(row).to_contain_text("would create")
    assert Replays.created(scene.server, "SEND-1") == []
    dry_run = tab.url
    send.click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("Sent again")
    expect(tab.get_by_text("ended well")).to_be_visible(timeout=60_000)
    (made,) = Replays.created(scene.server, "SEND-1")
    expect(row).to_contain_text("created")
    tab.get_by_role("link", name="SEND-1").click()
    expect(tab.get_by_text(made["InvoiceID"])).to_be_visible()
    # A dry run is sent once.
    tab.goto(dry_run)
    expect(send).to_have_count(0)
    tab.get_by_role("link", name="see what became of it").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("Sent again")
    assert len(Replays.created(scene.server, "SEND-1")) == 1


def test_what_cannot_be_written_is_told_by_the_dry_run(scene: Scene) -> None:
    tab = scene.go("/postings?q=M-1")
    tab.get_by_role("link", name="M-1").click()
    tab.get_by_role("button", name="Try to send it again").click()
    expect(tab.get_by_text("ended; some records cannot be written")).to_be_visible(timeout=60_000)
    expect(tab.get_by_role("row", name=re.compile("M-1"))).to_contain_text("would reject")
    expect(tab.get_by_text("None of these can be written as they are.")).to_be_visible()
    expect(tab.get_by_role("button", name="Send it now")).to_have_count(0)


def test_rename_and_revoke(scene: Scene) -> None:
    scene.shelf.connect("second")
    tab = scene.go("/connections")
    tab.get_by_role("link", name="Rename second").click()
    tab.get_by_label("New name").fill("books")
    tab.get_by_role("button", name="Rename").click()
    summary = tab.get_by_role("alert")
    expect(summary).to_be_focused()
    summary.get_by_role("link", name=re.compile("Another connection has this name")).click()
    expect(tab.get_by_label("New name")).to_be_focused()
    tab.get_by_label("New name").fill("third")
    tab.get_by_role("button", name="Rename").click()
    tab.get_by_role("link", name="Revoke third").click()
    tab.get_by_role("button", name="Revoke").click()
    expect(tab.get_by_role("alert")).to_contain_text("Tick the box to confirm")
    tab.get_by_label("Delete the sign-in of third").check()
    tab.get_by_role("button", name="Revoke").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("third is revoked on this machine")
    assert [one.name for one in scene.dashboard.connections()] == ["books"]


def test_the_keyboard_is_enough(scene: Scene) -> None:
    tab = scene.go("/overview")
    tab.keyboard.press("Tab")
    expect(tab.get_by_role("link", name="Skip to the content")).to_be_focused()
    for name in ("Nederlands", "Overview", "Postings"):
        tab.keyboard.press("Tab")
        focused = tab.locator(":focus-visible")
        expect(focused).to_have_text(name)
        assert focused.evaluate("each => getComputedStyle(each).outlineStyle") == "solid"
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("heading", level=1)).to_have_text("Postings")


def test_a_telephone_shows_a_reason_without_moving_sideways(scene: Scene) -> None:
    scene.post("SMALL-1", "rejected", reason="no row of Accounts has Code '99999'")
    tab = scene.go("/postings?q=SMALL")
    before = tab.viewport_size
    tab.set_viewport_size({"width": 390, "height": 800})
    reason = tab.get_by_text("no row of Accounts has Code")
    place = reason.bounding_box()
    assert place
    assert place["x"] >= 0
    assert place["x"] + place["width"] <= 390
    assert before
    tab.set_viewport_size(before)


@needs_axe
def test_no_violation_of_accessibility(scene: Scene) -> None:
    scene.shelf.connect("ending", days_ago=28)
    scene.post("AXE-1", "rejected", reason="a reason", content={"YourRef": "AXE-1"})
    scene.post("AXE-2", "created", number="1", at=NOW - 5)
    found = []
    for path in (
        "/overview",
        "/postings",
        "/rejected?file=may.rejected.csv",
        "/connections",
        "/connections/rename?name=ending",
        "/connections/revoke?name=ending",
        "/nowhere",
    ):
        found += check(scene.go(path), path, EACH_ONCE)
    tab = scene.go("/connections/revoke?name=ending")
    tab.get_by_role("button", name="Revoke").click()
    found += check(tab, "revoke, not confirmed", EACH_ONCE)
    scene.go("/postings?q=AXE").get_by_role("link", name="AXE-1").click()
    found += check(tab, "posting", EACH_ONCE)
    tab.get_by_role("button", name="Try to send it again").click()
    expect(tab.get_by_text("ended; some records cannot be written")).to_be_visible(timeout=60_000)
    found += check(tab, "a replay that ended", EACH_ONCE)
    tab.get_by_role("button", name="Nederlands").click()
    scene.go("/overview")
    found += check(tab, "overview, in Dutch", EACH_ONCE)
    tab.get_by_role("button", name="English").click()
    connections.forget(scene.shelf.store, "ending")
    assert found == []
