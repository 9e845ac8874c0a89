"""The page of `exactonline connect`, driven as a browser without scripts does it."""

from __future__ import annotations

import html
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from contextlib import closing
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
import requests
from jinja2.ext import extract_from_ast

from exactonline_cli.sign_in.first_look import last_invoices
from exactonline_cli.sign_in.page.render import environment, texts
from exactonline_client import connections, regions
from exactonline_client.connection import connect
from exactonline_client.store.store import Store
from tests.cli.conftest import SECOND_USER, Browser, consent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from click.testing import Result

    from exactonline_sandbox import Server
    from tests.cli.conftest import Page

NOWHERE = "https://example.com/callback"
FIRST = 1_700_001


def kept(store_url: str) -> list[connections.SavedConnection]:
    with closing(Store(store_url)) as store:
        return connections.load(store)


class TestFourSteps:
    def test_they_end_connected(self, page: Page, server: Server, store_url: str) -> None:
        assert page.title == "Where do you use Exact Online?"
        page.send("/region", region="nl")
        assert page.title == "Which app is it?"
        app = server.credentials
        page.send(
            "/app",
            client_id=app.client_id,
            client_secret=app.client_secret,
            redirect_uri=app.redirect_uris[0],
        )
        assert page.title == "Sign in at Exact Online"
        landed = consent(page.authorise_url)
        assert "%21" in landed, "a code has a mark that addresses encode"
        page.send("/sign-in", address=f"  {landed}\n")
        assert page.title == "Which divisions?"
        assert "Sanne de Vries" in page.text
        assert "Van Dijk & Zonen Groothandel B.V." in page.text
        assert "1700002, BE, EUR" in page.text
        page.send("/divisions", which="these", division=["1700002", "1700003"])
        assert page.title == "Connected"
        (account,) = kept(store_url)
        assert account.user_name == "Sanne de Vries"
        assert account.divisions == (1_700_002, 1_700_003)
        name = account.name
        assert f"meltano config set tap-exactonline connection {name}" in page.text
        assert "meltano config set tap-exactonline divisions '[1700002, 1700003]'" in page.text
        assert "target-exactonline division" not in page.text
        assert not page.problems
        page.send("/finish")
        assert page.closed()
        with closing(connect({"store_url": store_url})) as opened:
            assert opened.me["FullName"] == "Sanne de Vries"

    def test_all_divisions(self, page: Page, server: Server, store_url: str) -> None:
        page.to_divisions(server)
        page.send("/divisions", which="all", division=["1700002"])
        assert page.title == "Connected"
        assert "meltano config set tap-exactonline all_divisions true" in page.text
        assert kept(store_url)[0].divisions is None

    def test_one_division_is_that_of_the_target_too(self, page: Page, server: Server) -> None:
        page.to_divisions(server)
        assert re.search(r'value="1700001"[^>]* checked', page.answer.text)
        page.send("/divisions", which="these", division="1700001")
        assert "meltano config set target-exactonline division 1700001" in page.text

    def test_the_day_on_which_it_would_end_is_told(self, page: Page, server: Server) -> None:
        page.to_divisions(server)
        page.send("/divisions", which="all")
        assert re.search(r"once in 30 days\. Unused, it ends on \d+ [A-Z][a-z]+ 20\d\d", page.text)

    def test_the_apps_own_address_may_forward_here(
        self, page: Page, server: Server, store_url: str
    ) -> None:
        page.to_sign_in(server)
        landed = urlsplit(consent(page.authorise_url))
        # The browser comes from another site, so it sends no cookie along.
        stranger = requests.get(f"{page.origin}/callback?{landed.query}", timeout=9)
        assert (stranger.status_code, "Signed in" in stranger.text) == (200, True)
        page.get("/divisions")
        assert page.title == "Which divisions?"
        assert len(kept(store_url)) == 1
        again = requests.get(f"{page.origin}/callback?{landed.query}", timeout=9)
        assert again.status_code == 403

    def test_steps_can_be_gone_back_to(self, page: Page, server: Server) -> None:
        page.to_sign_in(server)
        page.get("/app")
        assert f'value="{server.credentials.client_id}"' in page.answer.text
        assert "Already stored" in page.text
        assert server.credentials.client_secret not in page.answer.text
        page.send(
            "/app",
            client_id=server.credentials.client_id,
            client_secret="",
            redirect_uri=NOWHERE,
            name="again",
        )
        page.send("/sign-in", address=consent(page.authorise_url))
        assert page.title == "Which divisions?"
        assert page.visit.sign_in.opened.name == "again"

    def test_steps_cannot_be_jumped(self, page: Page) -> None:
        for path in ("/app", "/sign-in", "/divisions", "/done"):
            assert urlsplit(page.get(path).url).path == "/region"
        page.send("/region", region="be")
        for path in ("/sign-in", "/divisions", "/done"):
            assert urlsplit(page.get(path).url).path == "/app"
        for path in ("/sign-in", "/divisions", "/meltano", "/finish"):
            assert urlsplit(page.send(path).url).path == "/app"
        assert page.thread.is_alive()

    def test_what_is_done_stays_done(self, page: Page, server: Server, store_url: str) -> None:
        page.to_divisions(server)
        page.send("/divisions", which="all")
        before = kept(store_url)
        page.send("/region", region="be")
        page.get("/app")
        assert page.title == "Connected"
        assert kept(store_url) == before

    def test_a_user_who_signs_in_again_is_told_what_that_replaces(
        self, open_page: Callable[..., Page], server: Server, store_url: str
    ) -> None:
        first = open_page().enter()
        first.to_divisions(server)
        second = open_page().enter()
        second.to_sign_in(server)
        assert "is signed in as Sanne de Vries. This sign-in takes its place" in second.text
        second.to_sign_in(server, name="bram")
        second.send("/sign-in", address=consent(second.authorise_url, user=SECOND_USER.user_id))
        second.send("/divisions", which="all")
        assert "has ended" not in second.text
        third = open_page().enter()
        third.to_divisions(server, name="bram-too")
        third.send("/divisions", which="all")
        assert [account.name for account in kept(store_url)][1:] == ["bram", "bram-too"]
        assert "this one has ended that of" in third.text


class TestLanguages:
    def test_the_browsers_language_and_the_switch(self, open_page: Callable[..., Page]) -> None:
        page = open_page()
        page.http.headers["Accept-Language"] = "fr;q=0.9, nl-BE;q=0.8, en;q=0.7"
        page.enter()
        assert page.title == "Waar gebruikt u Exact Online?"
        assert '<html lang="nl">' in page.answer.text
        page.send("/region")
        assert page.problems == {"region": "Kies de regio waarin u inlogt."}
        page.send("/language", language="en")
        assert page.title == "Where do you use Exact Online?"
        page.send("/language", language="xx")
        assert page.title == "Where do you use Exact Online?"

    def test_every_text_of_a_template_is_translated(self) -> None:
        loader = environment().loader
        assert loader
        found = set()
        for name in loader.list_templates():
            if name.endswith(".html") and name != "shortcut.html":
                source = loader.get_source(environment(), name)[0]
                tree = environment().parse(source)
                found |= {text for _, _, text in extract_from_ast(tree)}
        keys = {text if isinstance(text, str) else (text or ("",))[0] for text in found}
        assert keys - set(texts("nl")) == set()
        for english, dutch in texts("nl").items():
            holes = r"%\(\w+\)s|\{\w+\}"
            assert sorted(re.findall(holes, english)) == sorted(re.findall(holes, dutch))


class TestLooks:
    def test_borders_and_texts_have_contrast(self) -> None:
        style = environment().get_template("style.css").render()
        light, dark = (
            dict(re.findall(r"--([\w-]+): (#\w+);", block))
            for block in re.findall(r":root \{(.*?)\}", style, re.DOTALL)
        )
        for colours in (light, dark):
            for ground in ("ground", "note"):
                for border in ("line", "accent", "wrong"):
                    assert contrast(colours[border], colours[ground]) >= 3, (border, ground)
                for text in ("text", "soft", "accent", "wrong"):
                    assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
            assert contrast(colours["on-accent"], colours["accent"]) >= 4.5


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, as WCAG defines it."""

    def luminance(colour: str) -> float:
        digits = colour[1:] if len(colour) == 7 else "".join(each * 2 for each in colour[1:])
        parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
        linear = [
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


class TestDivisions:
    """What the script of the page does at once, its buttons do without."""

    def test_search_and_select_all(self, page: Page, server: Server, store_url: str) -> None:
        page.to_divisions(server)
        assert "1 of 3 selected" in page.text
        page.send("/divisions", division="1700001", search="1700002", shown="", do="search")
        assert re.findall(r'name="division" value="(\d+)"', page.answer.text) == ["1700002"]
        page.send("/divisions", search="1700002", shown="1700002", do="all")
        assert "2 of 3 selected" in page.text
        page.send("/divisions", which="these", division="1700002", shown="1700002")
        assert page.title == "Connected"
        assert kept(store_url)[0].divisions == (1_700_001, 1_700_002)

    def test_the_chosen_ones_come_first(self, page: Page, server: Server) -> None:
        page.to_divisions(server)
        page.send("/divisions", division=["1700003"], shown="", search="", do="search")
        assert re.findall(r'name="division" value="(\d+)"', page.answer.text)[0] == "1700003"
        page.send("/divisions", search="nothing like it", shown="", do="search")
        assert "No division matches nothing like it." in page.text

    def test_all_can_be_cleared(self, page: Page, server: Server) -> None:
        page.to_divisions(server)
        page.send("/divisions", search="", shown="", do="all")
        assert "3 of 3 selected" in page.text
        page.send("/divisions", search="", shown="", do="none")
        assert "0 of 3 selected" in page.text


class TestGoingOn:
    def test_the_tab_that_comes_back_goes_on_by_itself(self, page: Page, server: Server) -> None:
        page.to_sign_in(server)
        assert page.http.get(f"{page.origin}/waiting", timeout=9).status_code == 204
        assert requests.get(f"{page.origin}/waiting", timeout=9).status_code == 403
        landed = urlsplit(consent(page.authorise_url))
        answer = requests.get(f"{page.origin}/callback?{landed.query}", timeout=9)
        assert '<meta http-equiv="refresh" content="1;url=/divisions">' in answer.text
        assert page.http.get(f"{page.origin}/waiting", timeout=9).status_code == 200

    def test_waiting_does_not_keep_the_page_open(self, page: Page) -> None:
        seen = page.visit.last_seen
        page.now[0] += 5
        page.http.get(f"{page.origin}/waiting", timeout=9)
        assert page.visit.last_seen == seen

    def test_a_sandbox_takes_addresses_of_this_machine(self, page: Page, server: Server) -> None:
        address = f"{page.origin}/callback"
        server.control.add_redirect_uri(address)
        page.to_sign_in(server, redirect_uri=address)
        requests.get(consent(page.authorise_url), timeout=9)
        page.get("/divisions")
        assert page.title == "Which divisions?"

    def test_exact_itself_does_not(self, open_page: Callable[..., Page], server: Server) -> None:
        page = open_page(base_url=None).enter()
        page.to_sign_in(server, redirect_uri="http://127.0.0.1:8641/callback")
        assert list(page.problems) == ["redirect_uri"]

    def test_all_empty_fields_are_said_at_once(self, page: Page) -> None:
        page.send("/region", region="nl")
        page.send("/app", name="a/b")
        assert list(page.problems) == ["client_id", "client_secret", "redirect_uri", "name"]
        assert page.answer.text.count('aria-invalid="true"') == 4


class TestTheEnd:
    def test_a_first_look(self, page: Page, server: Server) -> None:
        page.to_divisions(server)
        page.send("/divisions", which="these", division="1700001")
        assert re.search(r"<li>[A-Z][^<]+ <small>1700001</small></li>", page.answer.text)
        assert "exactonline plan --connection" in page.text
        page.send("/look")
        assert page.answer.text.count('class="number">EUR') in {1, 2, 3}

    def test_a_value_of_another_type_is_left_out(self) -> None:
        row = {"InvoiceDate": "soon", "InvoiceNumber": 7, "InvoiceToName": "A", "AmountFC": "two"}
        connection: Any = SimpleNamespace(
            zone=ZoneInfo("Europe/Amsterdam"),
            pages=lambda _address, _division: [SimpleNamespace(rows=[row])],
        )
        (found,) = last_invoices(connection, 1_700_001)
        assert (found["InvoiceNumber"], found["InvoiceDate"], found["AmountFC"]) == (7, None, None)

    def test_a_callback_page_to_host(self, command: Callable[..., Result], tmp_path: Path) -> None:
        file = tmp_path / "callback.html"
        done = command("connect", "--callback-page", str(file))
        assert done.exit_code == 0
        text = file.read_text(encoding="utf-8")
        assert not re.findall(r"https?://", text)
        assert "default-src 'none'" in html.unescape(text)
        for sink in ("fetch(", "location.assign", "innerHTML", "<form", 'http-equiv="refresh'):
            assert sink not in text
        done = command("connect", "--callback-page", str(tmp_path / "none" / "x.html"))
        assert "cannot be written" in done.stderr


class TestMistakes:
    """Each is said at its field, and one can go on from there."""

    def test_no_region(self, page: Page, server: Server) -> None:
        page.send("/region", region="it")
        assert page.path == "/region"
        assert page.problems == {"region": "Choose the region you sign in to."}
        page.to_divisions(server)
        assert page.title == "Which divisions?"

    @pytest.mark.parametrize(
        ("field", "value", "told"),
        [
            ("client_id", " ", "Enter the client ID"),
            ("client_secret", "", "Enter the client secret"),
            ("redirect_uri", "", "Enter the redirect address"),
            ("redirect_uri", "http://example.com/callback", "no.* https address.*localhost"),
            ("redirect_uri", "https://nowhere/callback", "no.* https address.*localhost"),
            ("redirect_uri", "https://192.168.0.1/callback", "no.* https address.*localhost"),
            ("redirect_uri", "https://[", "no.* https address.*localhost"),
            ("name", "a/b", "not a valid name for a connection"),
        ],
    )
    def test_an_app_that_cannot_be(
        self, field: str, value: str, told: str, page: Page, server: Server
    ) -> None:
        page.to_sign_in(server, **{field: value})
        assert page.path == "/app"
        assert list(page.problems) == [field], page.problems
        assert re.search(told, page.problems[field])
        assert f'id="{field}-error"' in page.answer.text
        assert re.search(rf'name="{field}"[^>]*aria-invalid="true"', page.answer.text)
        assert page.answer.text.count('aria-invalid="') == 1
        assert "<title>Error: " in page.answer.text
        page.to_divisions(server)
        assert page.title == "Which divisions?"

    def test_a_name_of_another_app(
        self, open_page: Callable[..., Page], server: Server, elsewhere: Server
    ) -> None:
        first = open_page().enter()
        first.to_divisions(server, name="books")
        second = open_page(base_url=elsewhere.base_url).enter()
        second.to_sign_in(elsewhere, name="books")
        assert "belongs to another app" in second.problems["name"]
        second.to_divisions(elsewhere, name="others")
        assert second.title == "Which divisions?"

    def test_a_wrong_secret(self, page: Page, server: Server) -> None:
        page.to_divisions(server, client_secret="wrong")
        assert page.path == "/app"
        assert (
            "does not accept this client ID with this client secret"
            in (page.problems["client_secret"])
        )
        assert "region" in page.problems["client_secret"]
        page.to_divisions(server)
        assert page.title == "Which divisions?"

    def test_refused_consent(self, page: Page, server: Server) -> None:
        page.to_sign_in(server)
        page.send("/sign-in", address=consent(page.authorise_url, "deny"))
        assert page.path == "/sign-in"
        assert "Access was refused on Exact's page" in page.problems["address"]
        page.send("/sign-in", address=consent(page.authorise_url))
        assert page.title == "Which divisions?"

    def test_refused_consent_that_is_forwarded(self, page: Page, server: Server) -> None:
        page.to_sign_in(server)
        query = urlsplit(consent(page.authorise_url, "deny")).query
        stranger = requests.get(f"{page.origin}/callback?{query}", timeout=9)
        assert "Access was refused" in stranger.text
        page.get("/")
        assert "Access was refused" in page.problems["address"]

    def test_an_expired_code(self, page: Page, server: Server) -> None:
        page.to_sign_in(server)
        landed = consent(page.authorise_url)
        server.control.clock(advance_seconds=181)
        page.send("/sign-in", address=landed)
        assert page.path == "/sign-in"
        assert "three minutes" in page.problems["address"]
        page.send("/sign-in", address=consent(page.authorise_url))
        assert page.title == "Which divisions?"

    def test_the_wrong_region(
        self,
        open_page: Callable[..., Page],
        server: Server,
        elsewhere: Server,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        for code, place in (("nl", server), ("be", elsewhere)):
            region = regions.Region(code, code, place.base_url, "Europe/Amsterdam")
            monkeypatch.setitem(regions.REGIONS, code, region)
        page = open_page(base_url=None).enter()
        page.to_sign_in(server, region="be")
        at_exact = requests.get(page.authorise_url, timeout=9)
        assert at_exact.status_code == 400
        assert "If Exact says that it does not know the app" in page.text
        state = parse_qs(urlsplit(page.authorise_url).query)["state"][0]
        page.send("/sign-in", address=f"{NOWHERE}?code=x%21y&state={state}")
        assert "only in the region it was registered in" in page.problems["client_secret"]
        page.send("/region", region="nl")
        page.to_divisions(server, client_secret="")
        assert page.title == "Which divisions?"

    @pytest.mark.parametrize(
        ("address", "told"),
        [
            ("", "Paste the whole address"),
            ("https://example.com/callback", "Paste the whole address"),
            (f"{NOWHERE}?page=1", "contains no code"),
            (f"{NOWHERE}?code=abc", "another sign-in"),
            (f"{NOWHERE}?code=abc&state=of-another", "another sign-in"),
            (f"{NOWHERE}?error=server_error", "server_error"),
            ("https://[?x=1", "not an address"),
        ],
    )
    def test_an_address_without_a_code(
        self, address: str, told: str, page: Page, server: Server, store_url: str
    ) -> None:
        page.to_sign_in(server)
        server.control.reset_calls()
        page.send("/sign-in", address=address)
        assert told in page.problems["address"]
        assert not kept(store_url)
        assert not server.control.calls()["token_calls"]
        page.get("/sign-in")
        assert not page.problems, "a problem is shown once"

    def test_a_code_is_not_taken_twice(self, page: Page, server: Server) -> None:
        page.to_sign_in(server)
        landed = consent(page.authorise_url)
        page.send("/sign-in", address=landed)
        page.send("/sign-in", address=landed)
        assert page.title == "Which divisions?"

    def test_a_server_that_fails(self, page: Page, server: Server) -> None:
        page.to_sign_in(server)
        landed = consent(page.authorise_url)
        page.visit.sign_in.opened.tokens._http.proxies = {"http": "http://127.0.0.1:9"}
        page.send("/sign-in", address=landed)
        assert "did not answer" in page.problems["address"]

    @pytest.mark.parametrize(
        ("fields", "told"),
        [
            ({"which": "these"}, "Choose at least one division"),
            ({"which": "these", "division": "12"}, "no division 12"),
            ({}, "Choose at least one division"),
        ],
    )
    def test_no_division(
        self, fields: dict[str, str], told: str, page: Page, server: Server
    ) -> None:
        page.to_divisions(server)
        page.send("/divisions", **fields)
        assert told in page.problems["divisions"]
        page.send("/divisions", which="all")
        assert page.title == "Connected"

    def test_divisions_that_cannot_be_read_now(
        self, page: Page, server: Server, store_url: str
    ) -> None:
        server.control.faults({"kind": "status", "status": 403, "path": "system/Divisions"})
        page.to_divisions(server)
        assert page.title == "The divisions cannot be read"
        assert "HTTP 403" in page.text
        assert len(kept(store_url)) == 1
        server.control.faults()
        page.get("/divisions")
        assert page.title == "Which divisions?"


class TestMeltano:
    @pytest.fixture
    def project(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A project whose Meltano writes down what it is told, and fails where told to."""
        folder = tmp_path / "project"
        folder.mkdir()
        (folder / "meltano.yml").write_text(
            "plugins:\n  extractors:\n  - name: tap-exactonline\n    variant: x\n"
        )
        program = tmp_path / "bin" / "meltano"
        program.parent.mkdir()
        program.write_text(
            "#!/bin/sh\n[ -e fail ] && { echo 'It is broken.' >&2; exit 1; }\n"
            'for word in "$@"; do printf "%s\\n" "$word" >> told; done\n'
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
        return folder

    def test_the_settings_are_written_when_asked(
        self, project: Path, open_page: Callable[..., Page], server: Server
    ) -> None:
        page = open_page(project=project, name="books").enter()
        page.to_divisions(server, name="books")
        page.send("/divisions", which="these", division="1700001")
        assert f"Write the settings into the project {project}" in page.text
        assert not (project / "told").exists()
        page.send("/meltano")
        told = (project / "told").read_text().split()
        assert told[:5] == ["config", "set", "tap-exactonline", "connection", "books"]
        assert "target-exactonline" not in told
        assert "tap-exactonline: divisions = [1700001]" in page.text
        assert server.credentials.client_secret not in told

    def test_what_meltano_says_is_told(
        self, project: Path, open_page: Callable[..., Page], server: Server
    ) -> None:
        (project / "fail").touch()
        page = open_page(project=project).enter()
        page.to_divisions(server)
        page.send("/divisions", which="all")
        page.send("/meltano")
        assert page.title == "Connected"
        assert "It is broken." in page.text

    def test_a_project_without_the_plugins_is_told(
        self, project: Path, open_page: Callable[..., Page], server: Server
    ) -> None:
        (project / "meltano.yml").write_text("plugins: {}\n")
        page = open_page(project=project).enter()
        page.to_divisions(server)
        page.send("/divisions", which="all")
        page.send("/meltano")
        assert "has neither tap-exactonline nor target-exactonline" in page.text

    def test_without_a_project_nothing_is_offered(self, page: Page, server: Server) -> None:
        page.to_divisions(server)
        page.send("/divisions", which="all")
        assert "Write them into" not in page.text
        page.send("/meltano")
        assert page.title == "Connected"


class TestDoor:
    def test_only_the_secret_address_opens_it(self, open_page: Callable[..., Page]) -> None:
        page = open_page()
        for path in ("/", "/?key=", "/?key=guess", "/region", "/done"):
            assert page.get(path).status_code == 403
            assert "terminal" in page.text
        assert not page.http.cookies
        page.enter()
        assert page.path == "/region"

    def test_the_secret_opens_it_once(self, open_page: Callable[..., Page]) -> None:
        page = open_page()
        address = page.visit.address
        page.enter()
        assert requests.get(address, timeout=9).status_code == 403
        page.answer = page.http.get(address, timeout=9)
        assert page.path == "/region", "who is in already stays in"

    @pytest.mark.parametrize(
        ("method", "headers", "status"),
        [
            ("HEAD", {}, 405),
            ("OPTIONS", {}, 405),
            ("GET", {"Sec-Purpose": "prefetch"}, 503),
            ("GET", {"Sec-Purpose": "prefetch;prerender"}, 503),
            ("GET", {"Purpose": "prefetch"}, 503),
            ("GET", {"X-Moz": "prefetch"}, 503),
        ],
    )
    def test_what_no_person_asked_for_spends_nothing(
        self,
        method: str,
        headers: dict[str, str],
        status: int,
        open_page: Callable[..., Page],
        server: Server,
    ) -> None:
        page = open_page()
        answer = requests.request(method, page.visit.address, headers=headers, timeout=9)
        assert answer.status_code == status
        assert not answer.cookies
        page.enter()
        page.to_sign_in(server)
        callback = f"{page.origin}/callback?{urlsplit(consent(page.authorise_url)).query}"
        answer = requests.request(method, callback, headers=headers, timeout=9)
        assert answer.status_code == status
        assert requests.get(callback, timeout=9).status_code == 200

    def test_the_cookie_is_for_this_site_and_no_script(
        self, open_page: Callable[..., Page]
    ) -> None:
        page = open_page()
        answer = requests.get(page.visit.address, allow_redirects=False, timeout=9)
        cookie = answer.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "samesite=strict" in cookie.lower()
        assert "Domain" not in cookie

    def test_forms_of_other_pages_are_refused(self, page: Page) -> None:
        for form in ({"region": "be"}, {"region": "be", "csrf": "guess"}, {"csrf": ""}):
            answer = page.http.post(f"{page.origin}/region", data=form, timeout=9)
            assert answer.status_code == 403
        assert page.visit.sign_in.region == ""

    def test_forms_without_the_cookie_are_refused(self, page: Page) -> None:
        form = {"region": "be", "csrf": page.visit.csrf}
        answer = requests.post(f"{page.origin}/region", data=form, timeout=9)
        assert answer.status_code == 403

    def test_a_form_beyond_all_measure_is_refused(self, page: Page) -> None:
        assert page.send("/region", region="x" * 1_100_000).status_code == 403

    @pytest.mark.parametrize(
        "host", ["evil.example.com", "evil.example.com:80", "127.0.0.1.nip.io"]
    )
    def test_other_hosts_are_refused(self, host: str, page: Page) -> None:
        answer = page.http.get(f"{page.origin}/region", headers={"Host": host}, timeout=9)
        assert answer.status_code == 400

    @pytest.mark.parametrize("path", ["/region", "/nothing", "/callback", "/?key=guess"])
    def test_every_answer_carries_the_safe_headers(self, path: str, page: Page) -> None:
        headers = page.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert re.search(r"script-src 'sha256-[^' ]+';", policy)
        assert "frame-ancestors 'none'" in policy
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "Server" not in headers

    def test_it_listens_on_this_machine_only(self, page: Page) -> None:
        assert page.origin.startswith("http://127.0.0.1:")
        others = {str(item[4][0]) for item in socket.getaddrinfo(socket.gethostname(), None)}
        for address in others - {"127.0.0.1", "::1"}:
            with pytest.raises(OSError, match="refused"):
                socket.create_connection((address, int(page.origin.rpartition(":")[2])), 2)

    def test_what_was_entered_is_shown_as_text(self, page: Page, server: Server) -> None:
        page.to_sign_in(server, client_id='"><script>alert(1)</script>', client_secret="")
        assert "<script>alert" not in page.answer.text
        assert "&lt;script&gt;" in page.answer.text

    def test_it_needs_no_script_and_no_other_site(self, page: Page, server: Server) -> None:
        for path in ("/region", "/app", "/sign-in"):
            page.get(path)
            assert page.answer.text.count("<script>") == 1
            assert 'style="' not in page.answer.text
            assert not re.findall(r'(?:src|action)="https?:', page.answer.text)
            page.to_sign_in(server)

    def test_every_field_has_a_label(self, page: Page, server: Server) -> None:
        page.to_divisions(server)
        texts = [page.answer.text]
        texts += [page.get(path).text for path in ("/region", "/app", "/sign-in")]
        for text in texts:
            ids = re.findall(r'<input type="(?!hidden)[^>]*? id="([^"]*)"', text)
            ids += re.findall(r'<input type="(?:radio|checkbox)"[^>]*id="([^"]*)"', text)
            assert ids
            assert set(ids) <= set(re.findall(r'<label for="([^"]*)"', text)) | set(
                re.findall(r'<label [^>]*for="([^"]*)"', text)
            )
            assert text.count("<h1>") == 1
            assert '<html lang="en">' in text
            assert 'aria-current="step"' in text


class TestBrowser:
    """What another user can see of the browser that is opened."""

    @pytest.mark.parametrize("home", ["own", "missing"])
    def test_its_arguments_and_environment_hold_no_secret(self, home: str, tmp_path: Path) -> None:
        seen, own = tmp_path / "seen", tmp_path / home
        (tmp_path / "own").mkdir()
        browser = tmp_path / "browser"
        browser.write_text(
            f"#!{sys.executable}\n"
            "import json, os, sys, urllib.request\n"
            "page = urllib.request.urlopen(sys.argv[1]).read().decode()\n"
            "mode = os.stat(urllib.request.url2pathname(sys.argv[1][7:])).st_mode & 0o777\n"
            f"with open({str(seen)!r} + '.new', 'w') as file:\n"
            "    json.dump([sys.argv[1:], dict(os.environ), page, mode], file)\n"
            f"os.rename({str(seen)!r} + '.new', {str(seen)!r})\n"
        )
        browser.chmod(0o700)
        secrets = {
            "EXACTONLINE_CLIENT_SECRET": "secret-of-app",
            "TAP_EXACTONLINE_STORE_KEY": "W8B4m1i4vPZyH2lq3m8Q0k1gq0i8mJw3v8x9B6t5c2A=",
            "TARGET_EXACTONLINE_REFRESH_TOKEN": "stampNL001.secret",
            "EXACTONLINE_WEBHOOK_SECRET": "secret-of-webhooks",
            "EXACTONLINE_STORE_URL": f"sqlite:///{tmp_path / 'store' / 'store.db'}",
        }
        environment = {**os.environ, **secrets, "HOME": str(own), "BROWSER": f"{browser} %s"}
        with subprocess.Popen(
            [sys.executable, "-m", "exactonline_cli", "connect", "--port", "0"],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stderr is not None
            address = next(line.strip() for line in process.stderr if "/?key=" in line)
            deadline = time.monotonic() + 30
            while not seen.exists() and time.monotonic() < deadline:
                time.sleep(0.02)
            arguments, variables, page, mode = json.loads(seen.read_text())
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 130
        assert address.partition("key=")[2] not in " ".join(arguments)
        assert arguments[0].startswith("file://")
        assert mode == 0o600
        assert f'content="0;url={address}"' in page
        assert not set(secrets) & set(variables)
        assert not set(secrets.values()) & set(variables.values())
        assert not list((tmp_path / "own").glob("exactonline-connect-*"))


class TestArguments:
    """Secrets among the arguments are told of: they are in the list of processes."""

    def test_a_password_in_the_store_url(self, command: Callable[..., Result]) -> None:
        given = ["--store-url", "postgresql://me:hunter22@127.0.0.1:1/books"]
        result = command("status", *given)
        assert "Warning: others on this machine can read the secret in --store-url" in result.stderr
        assert "EXACTONLINE_STORE_URL" in result.stderr
        assert "hunter22" not in result.output

    def test_an_address_without_one(self, command: Callable[..., Result], store_url: str) -> None:
        assert "Warning" not in command("status", "--store-url", store_url).stderr

    def test_the_secret_of_webhooks(self, command: Callable[..., Result], tmp_path: Path) -> None:
        payload = tmp_path / "payload"
        payload.write_text("{}")
        result = command("webhooks", "verify", str(payload), "--secret", "hunter22")
        assert "can read the secret in --secret" in result.stderr
        assert "EXACTONLINE_WEBHOOK_SECRET" in result.stderr
        quiet = command("webhooks", "verify", str(payload), EXACTONLINE_WEBHOOK_SECRET="hunter22")
        assert "Warning" not in quiet.stderr


class TestEnd:
    def test_it_closes_after_a_quarter_of_an_hour_without_use(self, page: Page) -> None:
        page.now[0] = 890.0
        page.get("/region")
        page.now[0] = 1780.0
        page.thread.join(0.6)
        assert page.thread.is_alive()
        page.now[0] = 1791.0
        assert page.closed()

    def test_strangers_do_not_keep_it_open(self, page: Page) -> None:
        page.now[0] = 899.0
        requests.get(f"{page.origin}/region", timeout=9)
        page.now[0] = 901.0
        assert page.closed()

    def test_it_closes_soon_once_all_is_done(self, page: Page, server: Server) -> None:
        page.to_divisions(server)
        page.send("/divisions", which="all")
        page.now[0] = 121.0
        assert page.closed()


class TestCommand:
    """`exactonline connect` as a process."""

    @pytest.fixture
    def start(self, server: Server, store_url: str) -> Iterator[subprocess.Popen[str]]:
        command = [sys.executable, "-m", "exactonline_cli", "connect"]
        options = ["--no-browser", "--port", "0", "--base-url", server.base_url, "--name", "books"]
        environment = {**os.environ, "EXACTONLINE_STORE_URL": store_url}
        with subprocess.Popen(
            command + options, env=environment, stderr=subprocess.PIPE, text=True
        ) as process:
            yield process
            process.kill()

    def test_it_ends_when_all_is_done(
        self, start: subprocess.Popen[str], server: Server, store_url: str
    ) -> None:
        page = browse(start)
        page.to_divisions(server, name="books")
        page.send("/divisions", which="all")
        page.send("/finish")
        assert start.wait(10) == 0
        assert start.stderr is not None
        assert start.stderr.read() == "Connected: books.\n"
        assert [account.name for account in kept(store_url)] == ["books"]

    def test_it_can_be_ended_before(self, start: subprocess.Popen[str], store_url: str) -> None:
        browse(start)
        start.send_signal(signal.SIGINT)
        assert start.wait(10) == 130
        assert start.stderr is not None
        assert start.stderr.read() == "Stopped.\n"
        assert not kept(store_url)


def browse(process: subprocess.Popen[str]) -> Browser:
    """Open the page at the address that the program shows."""
    assert process.stderr is not None
    address = next(line.strip() for line in process.stderr if "/?key=" in line)
    assert process.stderr.readline() == "\n"
    return Browser(address).enter()


def test_a_taken_port_is_told(command: Callable[..., Result]) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        result = command("connect", "--no-browser", "--port", port)
    assert result.exit_code == 2
    assert f"Port {port} of this machine cannot be used" in result.stderr


def test_a_wrong_name_is_told_before_the_page_opens(command: Callable[..., Result]) -> None:
    result = command("connect", "--no-browser", "--name", "a b")
    assert result.exit_code == 2
    assert "not a valid name" in result.stderr


def test_secrets_never_leave_the_form(
    page: Page, server: Server, caplog: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    page.to_divisions(server)
    seen = [page.answer.text]
    page.send("/divisions", which="all")
    seen += [page.answer.text, caplog.text, *capfd.readouterr(), json.dumps(str(page.visit))]
    secret = server.credentials.client_secret
    assert not any(secret in text for text in seen)
    assert page.visit.cookie not in repr(page.visit)
