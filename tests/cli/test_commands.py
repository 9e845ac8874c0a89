"""`divisions`, `status` and `keepalive`: what a person and a schedule see of a connection."""

from __future__ import annotations

import json
import re
import signal
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet
from sqlalchemy.engine import make_url

from exactonline_client.connection import connect
from exactonline_client.store.store import Store
from exactonline_client.store.tables import connections, runs
from exactonline_sandbox import Sandbox, SandboxConfig, User
from tests.cli.conftest import SECOND_USER, at_keyboard, read_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from click.testing import Result

    from exactonline_sandbox import Server

DAY = 86_400.0
DIVISIONS = [1_700_001, 1_700_002, 1_700_003]


def sign_in(server: Server, store_url: str, name: str = "books", **who: str) -> None:
    """A connection with fresh tokens."""
    seed = server.control.sign_in(**who)["refresh_token"]
    server.control.clock(advance_seconds=600)
    app = server.credentials
    settings = {
        "connection": name,
        "base_url": server.base_url,
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        "refresh_token": seed,
        "store_url": store_url,
    }
    with closing(connect(settings)) as opened, opened.noted_run("tap-exactonline"):
        assert opened.divisions


def age(store_url: str, name: str, days: float) -> None:
    """Let the tokens of a connection be older than they are."""
    with closing(Store(store_url)) as store, store.transaction() as connection:
        older = {"received_at": connections.c.received_at - days * DAY}
        mine = connections.c.name == name
        connection.execute(connections.update().where(mine).values(**older))


def received_at(store_url: str, name: str) -> float:
    with closing(Store(store_url)) as store, store.transaction() as connection:
        query = sa.select(connections.c.received_at).where(connections.c.name == name)
        return float(connection.execute(query).scalar_one())


@pytest.fixture
def books(server: Server, store_url: str) -> str:
    sign_in(server, store_url)
    return "books"


class TestDivisions:
    def test_all_are_listed_with_what_they_are(
        self, books: str, command: Callable[..., Result]
    ) -> None:
        result = command("divisions", "--json")
        assert result.exit_code == 0, result.output
        told = json.loads(result.stdout)
        assert told["connection"] == books
        assert [row["code"] for row in told["divisions"]] == DIVISIONS
        assert told["divisions"][0] == {
            "code": 1_700_001,
            "name": "De Gouden Krakeling B.V.",
            "country": "NL",
            "currency": "EUR",
            "status": 1,
            "blocking_status": 0,
            "current": True,
            "reachable": True,
            "reason": None,
        }

    @pytest.mark.usefixtures("books")
    def test_those_out_of_reach_are_told_with_the_reason(
        self, server: Server, command: Callable[..., Result]
    ) -> None:
        listed = command("divisions", "--json", "--no-probe")
        assert {row["reachable"] for row in json.loads(listed.stdout)["divisions"]} == {None}
        server.control.limits(division=DIVISIONS[1], leave_today=0)
        result = command("divisions", "--json")
        rows = json.loads(result.stdout)["divisions"]
        assert [row["reachable"] for row in rows] == [True, False, True]
        assert "used up" in rows[1]["reason"]

    def test_many_are_only_tried_when_that_was_said(
        self, command: Callable[..., Result], store_url: str
    ) -> None:
        config = SandboxConfig(seed=5, invoices=1, divisions=11)
        with Sandbox(config).running() as many:
            sign_in(many, store_url)
            result = command("divisions", "--json")
            assert result.exit_code == 2
            assert (
                "Finding out which of 11 divisions can be reached takes 11 calls" in result.stderr
            )
            rows = json.loads(command("divisions", "--json", "--yes").stdout)["divisions"]
            assert {row["reachable"] for row in rows} == {True}
            rows = json.loads(command("divisions", "--json", "--no-probe").stdout)["divisions"]
            assert {row["reachable"] for row in rows} == {None}

    @pytest.mark.usefixtures("books")
    def test_people_see_a_table(self, command: Callable[..., Result]) -> None:
        result = command("divisions")
        assert "1700002  Van Dijk & Zonen Groothandel B.V.  BE" in result.stdout
        assert "\x1b" not in result.stdout

    def test_without_a_connection_it_says_what_to_do(self, command: Callable[..., Result]) -> None:
        result = command("divisions")
        assert result.exit_code == 2
        assert "exactonline connect" in result.stderr


def test_ctrl_c_at_a_question_ends_a_command_with_its_code(store_url: str) -> None:
    with at_keyboard(["login"], store_url) as (process, _):
        read_until(process.stderr, b"Region")
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert told.endswith(b"Stopped.\n")


def test_the_end_of_the_input_is_no_ctrl_c(command: Callable[..., Result]) -> None:
    assert command("login", text="").exit_code == 1


class TestStatus:
    def test_all_is_there_for_scripts(
        self, server: Server, store_url: str, books: str, command: Callable[..., Result]
    ) -> None:
        sign_in(server, store_url, "bram", user_id=SECOND_USER.user_id)
        server.control.reset_calls()
        result = command("status", "--json")
        assert result.exit_code == 0, result.output
        first, second = json.loads(result.stdout)["connections"]
        assert (first["connection"], second["connection"]) == (books, "bram")
        assert (first["user"], second["user"]) == ("Sanne de Vries", "Bram Bakker")
        assert first["region"] == "nl"
        assert first["days_left"] == 30.0
        # By the clock of Exact, which has gone ten minutes on between the two.
        assert 10 <= first["token_age_minutes"] < 11
        assert 0 <= second["token_age_minutes"] < 1
        (budget,) = first["budgets"]
        assert budget["division"] == DIVISIONS[0]
        assert budget["day_limit"] == 5000
        assert 4990 < budget["day_remaining"] < 5000
        (run,) = first["runs"]
        assert (run["program"], run["exit_code"], run["calls"]) == ("tap-exactonline", 0, 2)
        assert server.control.calls()["data_calls"] == 0
        assert server.credentials.client_secret not in result.output

    def test_one_can_be_asked_for(
        self, server: Server, store_url: str, books: str, command: Callable[..., Result]
    ) -> None:
        sign_in(server, store_url, "bram", user_id=SECOND_USER.user_id)
        result = command("status", "--json", "--connection", books)
        assert [row["connection"] for row in json.loads(result.stdout)["connections"]] == [books]
        result = command("status", "--connection", "nobody")
        assert result.exit_code == 2
        assert "stored: books, bram" in result.stderr

    def test_people_see_tables(self, books: str, command: Callable[..., Result]) -> None:
        result = command("status")
        assert f"{books}       nl      Sanne de Vries" in result.stdout
        assert "of 5000" in result.stdout
        assert "tap-exactonline" in result.stdout
        assert "\x1b" not in result.stdout

    @pytest.mark.parametrize(
        ("days", "options", "code", "told"),
        [
            (22.5, (), 0, ""),
            (23.5, (), 9, "ends in 6.5 days"),
            (23.5, ("--warn-days", "3"), 0, ""),
            (31, (), 9, "has ended. Sign in again"),
        ],
    )
    def test_the_end_of_a_sign_in_is_an_alarm(
        self,
        days: float,
        options: tuple[str, ...],
        code: int,
        told: str,
        *,
        store_url: str,
        books: str,
        command: Callable[..., Result],
    ) -> None:
        age(store_url, books, days)
        result = command("status", *options)
        assert result.exit_code == code
        assert told in result.stderr
        assert bool(told) == bool(result.stderr)

    def test_a_sign_in_that_was_revoked_has_ended_until_somebody_signs_in_again(
        self, server: Server, store_url: str, books: str, command: Callable[..., Result]
    ) -> None:
        server.control.revoke()
        server.control.clock(advance_seconds=600)
        age(store_url, books, 0.01)
        assert command("keepalive").exit_code == 3
        result = command("status", "--json")
        (told,) = json.loads(result.stdout)["connections"]
        assert result.exit_code == 9
        assert told["days_left"] == 0.0
        assert "no longer knows this sign-in (revoked)" in told["ended"]
        assert f"Connection {books} has ended. Exact Online no longer knows" in result.stderr
        sign_in(server, store_url)
        result = command("status", "--json")
        (told,) = json.loads(result.stdout)["connections"]
        assert (result.exit_code, told["days_left"], told["ended"]) == (0, 30.0, None)

    def test_a_run_that_was_killed_is_not_said_to_have_ended(
        self, store_url: str, books: str, command: Callable[..., Result]
    ) -> None:
        with closing(Store(store_url)) as store, store.transaction() as connection:
            row = {"connection": books, "program": "tap-exactonline", "started_at": 1.0, "calls": 0}
            connection.execute(runs.insert().values(**row))
        shown = command("status").stdout
        assert "running, or killed" in shown
        assert "1970-01-01 00:00:01" in shown

    def test_an_empty_store_says_what_to_do(self, command: Callable[..., Result]) -> None:
        result = command("status")
        assert result.exit_code == 2
        assert "exactonline connect" in result.stderr


class TestKeepalive:
    def test_old_tokens_are_renewed(
        self, server: Server, store_url: str, books: str, command: Callable[..., Result]
    ) -> None:
        server.control.clock(advance_seconds=20 * DAY)
        age(store_url, books, 20)
        before = received_at(store_url, books)
        result = command("keepalive")
        assert result.exit_code == 0, result.output
        assert result.stdout == f"{books}: renewed, signed in as Sanne de Vries\n"
        assert received_at(store_url, books) > before + 19 * DAY
        assert command("status").exit_code == 0

    def test_young_ones_are_left_alone(
        self, store_url: str, books: str, command: Callable[..., Result]
    ) -> None:
        before = received_at(store_url, books)
        result = command("keepalive", "--json")
        (told,) = json.loads(result.stdout)["connections"]
        assert (told["connection"], told["outcome"]) == (books, "fresh")
        assert received_at(store_url, books) == before

    def test_one_that_failed_does_not_stop_the_others(
        self, server: Server, store_url: str, command: Callable[..., Result]
    ) -> None:
        sign_in(server, store_url, "a")
        sign_in(server, store_url, "b", user_id=SECOND_USER.user_id)
        server.control.sign_in()  # which ends the chain of the same user in the same app
        server.control.clock(advance_seconds=600)
        for name in ("a", "b"):
            age(store_url, name, 0.01)
        result = command("keepalive")
        assert result.exit_code == 3
        assert "a: Exact Online no longer knows this sign-in" in result.stderr
        assert result.stdout == "b: renewed, signed in as Bram Bakker\n"

    def test_it_moves_all_secrets_to_a_new_key(
        self, server: Server, store_url: str, command: Callable[..., Result]
    ) -> None:
        sign_in(server, store_url)
        (folder,) = Path(make_url(store_url).database or "").parents[:1]
        old, new = (folder / "store.key").read_text(), Fernet.generate_key().decode()
        server.control.clock(advance_seconds=600)
        age(store_url, "books", 0.01)
        result = command("keepalive", EXACTONLINE_STORE_KEY=f"{new},{old}")
        assert result.exit_code == 0, result.output
        (folder / "store.key").unlink()
        server.control.clock(advance_seconds=600)
        age(store_url, "books", 0.01)
        result = command("keepalive", EXACTONLINE_STORE_KEY=new)
        assert result.exit_code == 0, result.output
        assert command("keepalive").exit_code == 8, "the old key is of no use any more"

    def test_it_is_noted_as_a_run(self, books: str, command: Callable[..., Result]) -> None:
        command("keepalive")
        told: dict[str, Any] = json.loads(command("status", "--json").stdout)["connections"][0]
        assert told["connection"] == books
        assert [run["program"] for run in told["runs"]] == [
            "exactonline keepalive",
            "tap-exactonline",
        ]


class TestNamesThatATerminalWouldObey:
    @pytest.fixture
    def server(self) -> Iterator[Server]:
        user = User(name="Eve\x1b]0;owned\x07\x9b31m")
        with Sandbox(SandboxConfig(seed=3, invoices=2, users=(user,))).running() as running:
            yield running

    @pytest.mark.usefixtures("books")
    @pytest.mark.parametrize("arguments", [["keepalive"], ["status"], ["status", "--json"]])
    def test_they_are_written_out(
        self, arguments: list[str], command: Callable[..., Result]
    ) -> None:
        result = command(*arguments)
        assert result.exit_code == 0, result.output
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", result.output)
        assert re.search(r"Eve\\u001b]0;owned\\u0007\\u009b31m", result.output)
        if "--json" in arguments:
            (facts,) = json.loads(result.stdout)["connections"]
            assert facts["user"] == "Eve\x1b]0;owned\x07\x9b31m"
