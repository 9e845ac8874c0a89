"""`exactonline connections`: what is kept by name moves along, what is kept by app stays."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from exactonline_client.connection import connect
from exactonline_client.store import runs, tables
from exactonline_client.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from exactonline_sandbox import Server


@pytest.fixture
def books(server: Server, store_url: str) -> str:
    """A connection with a run, and a call that left a budget."""
    settings: dict[str, Any] = {
        "store_url": store_url,
        "base_url": server.base_url,
        "client_id": server.credentials.client_id,
        "client_secret": server.credentials.client_secret,
        "refresh_token": server.control.sign_in()["refresh_token"],
        "connection": "books",
    }
    with closing(connect(settings)) as opened, opened.noted_run("a program"):
        assert opened.divisions
    return "books"


def rows(store_url: str, table: sa.Table) -> list[sa.Row[Any]]:
    with closing(Store(store_url)) as store:
        return list(store.read(sa.select(table)))


def test_they_are_listed_without_secrets(
    books: str, command: Callable[..., Any], server: Server
) -> None:
    done = command("connections", "list", "--json")
    (facts,) = json.loads(done.stdout)["connections"]
    assert (facts["connection"], facts["user"]) == (books, "Sanne de Vries")
    assert 29 < facts["days_left"] <= 30
    assert server.credentials.client_secret not in done.output
    assert "books" in command("connections", "list").stdout


def test_an_empty_store_says_what_to_do(command: Callable[..., Any]) -> None:
    done = command("connections", "list")
    assert (done.exit_code, done.stdout) == (
        0,
        "No connections. Run exactonline connect to add one.\n",
    )


def test_a_rename_keeps_runs_and_limits(
    books: str, command: Callable[..., Any], store_url: str
) -> None:
    limits = rows(store_url, tables.budgets)
    assert limits
    done = command("connections", "rename", books, "ledger")
    assert done.exit_code == 0, done.output
    assert rows(store_url, tables.budgets) == limits
    with closing(Store(store_url)) as store:
        assert [run.program for run in runs.last(store, "ledger", 5)] == ["a program"]
        assert runs.last(store, books, 5) == []
    with closing(connect({"store_url": store_url, "connection": "ledger"})) as opened:
        assert opened.me["FullName"] == "Sanne de Vries"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("books", "a/b", "'a/b' cannot be the name of a connection"),
        ("nobody", "x", "nobody"),
    ],
)
def test_a_rename_that_cannot_be(
    old: str, new: str, reason: str, *, books: str, command: Callable[..., Any], store_url: str
) -> None:
    done = command("connections", "rename", old, new)
    assert done.exit_code != 0
    assert reason in done.stderr
    assert [row.name for row in rows(store_url, tables.connections)] == [books]


def test_a_name_that_is_taken(
    books: str, command: Callable[..., Any], store_url: str, server: Server
) -> None:
    settings = {
        "store_url": store_url,
        "connection": "other",
        "base_url": server.base_url,
        "client_id": server.credentials.client_id,
        "client_secret": "x",
        "refresh_token": "never used",
    }
    with closing(connect(settings)) as opened, pytest.raises(Exception, match=r"refresh|client"):
        assert opened.me
    done = command("connections", "rename", books, "other")
    assert "'other' exists already" in done.stderr
    assert {row.name for row in rows(store_url, tables.connections)} == {books, "other"}


def test_a_revoked_one_is_gone_and_its_limits_stay(
    books: str, command: Callable[..., Any], store_url: str
) -> None:
    assert command("connections", "revoke", books, text="n\n").exit_code != 0
    assert rows(store_url, tables.connections)
    done = command("connections", "revoke", books, "--yes")
    assert "Exact is not informed" in done.stdout
    assert rows(store_url, tables.connections) == []
    assert rows(store_url, tables.runs) == []
    assert rows(store_url, tables.budgets)
    assert command("connections", "revoke", books, "--yes").exit_code != 0
