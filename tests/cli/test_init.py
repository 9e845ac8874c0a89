"""`exactonline init`: the Meltano project that it writes."""

from __future__ import annotations

import json
import os
import stat
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
import requests
import yaml

from exactonline_cli.new_project.choices import LOADERS, PURPOSES, SCHEDULES
from exactonline_cli.sign_in import sandbox
from exactonline_client import catalogue, connections
from exactonline_client.store.store import Store
from tests.cli.conftest import at_keyboard, read_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    from exactonline_sandbox import Server


def project(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((folder / "meltano.yml").read_text(encoding="utf-8"))
    return content


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize("purpose", PURPOSES)
def test_every_choice_makes_a_project(
    command: Callable[..., Result], tmp_path: Path, loader: str, purpose: str
) -> None:
    folder = tmp_path / "books"
    options = ("--no-input", "--loader", loader, "--purpose", purpose, "--column-names", "snake")
    done = command("init", str(folder), *options, "--connection", "main")
    assert done.exit_code == 0, done.output
    made = project(folder)
    (tap,) = made["plugins"]["extractors"]
    first, target = made["plugins"]["loaders"]
    assert tap["select"] == [f"{name}.*" for name in PURPOSES[purpose]]
    assert tap["config"] == {"column_names": "snake", "connection": "main"}
    assert target["config"] == {"connection": "main"}
    assert first["name"] == LOADERS[loader].plugin
    assert made["jobs"] == [{"name": "read-exact", "tasks": [f"tap-exactonline {first['name']}"]}]
    assert made["schedules"][0]["interval"] == "@daily"
    assert "SINGER_EXACTONLINE_URL=file://" in (folder / ".env").read_text(encoding="utf-8")
    assert stat.S_IMODE((folder / ".env").stat().st_mode) == 0o600
    assert {"/.env", "/.exactonline"} <= {
        *(folder / ".gitignore").read_text(encoding="utf-8").splitlines()
    }
    secrets = {item["name"] for item in tap["settings"] if item.get("sensitive")}
    assert {"client_secret", "refresh_token", "store_key"} <= secrets


def test_selected_streams_exist() -> None:
    known = catalogue.load().streams
    assert {name for names in PURPOSES.values() for name in names} - {"*"} <= known.keys()


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_schedule_can_be_left_out(
    command: Callable[..., Result], tmp_path: Path, schedule: str
) -> None:
    folder = tmp_path / "books"
    assert command("init", str(folder), "--no-input", "--schedule", schedule).exit_code == 0
    assert ("schedules" in project(folder)) == (schedule != "none")


def test_nothing_is_replaced_without_asking(command: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "meltano.yml").write_text("mine", encoding="utf-8")
    done = command("init", str(tmp_path), "--no-input")
    assert done.exit_code == 2
    assert "meltano.yml already" in done.output
    assert (tmp_path / "meltano.yml").read_text(encoding="utf-8") == "mine"
    assert not (tmp_path / ".env").exists()
    assert command("init", str(tmp_path), "--no-input", "--overwrite").exit_code == 0
    assert project(tmp_path)["jobs"]


def test_questions_are_asked_on_a_terminal(store_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "asked"
    with at_keyboard(["init", str(folder)], store_url) as (process, keyboard):
        for question, answer in (
            (b"rows go", b"duckdb"),
            (b"for", b"ledger"),
            (b"read", b"weekly"),
        ):
            read_until(process.stdout, question)
            os.write(keyboard, answer + b"\n")
        process.communicate(timeout=60)
    assert process.returncode == 0
    made = project(folder)
    assert made["plugins"]["loaders"][0]["name"] == "target-duckdb"
    assert "transaction_lines.*" in made["plugins"]["extractors"][0]["select"]
    assert made["schedules"][0]["interval"] == "@weekly"


def test_a_project_for_the_sandbox_is_signed_in(
    command: Callable[..., Result], server: Server, tmp_path: Path
) -> None:
    folder = tmp_path / "books"
    done = command("init", str(folder), "--no-input", "--sandbox", f"{server.base_url}/")
    assert done.exit_code == 0, done.output
    assert f"Signed in to the sandbox at {server.base_url}" in done.output
    assert "An earlier sign-in there, such as of another project, has ended" in done.output
    assert "connect" not in done.output.partition("Next:")[2]
    with closing(Store(f"sqlite:///{folder / '.exactonline' / 'store.db'}")) as store:
        (saved,) = connections.load(store)
    assert saved.base_url == server.base_url
    assert saved.divisions == (server.divisions[0],)


def test_json_says_what_was_made(
    command: Callable[..., Result], server: Server, tmp_path: Path
) -> None:
    folder = tmp_path / "books"
    made = json.loads(command("init", str(folder), "--no-input", "--json").stdout)
    assert made == {
        "folder": str(folder),
        "files": ["meltano.yml", ".gitignore", ".env"],
        "connection": None,
    }
    options = ("--no-input", "--json", "--overwrite")
    done = command("init", str(folder), *options, "--sandbox", server.base_url)
    assert json.loads(done.stdout)["connection"].startswith("127.0.0.1")
    done = command("init", str(folder), *options, "--connection", "mine")
    assert json.loads(done.stdout)["connection"] == "mine"


def test_a_sandbox_has_a_connection_of_its_own(
    command: Callable[..., Result], server: Server, tmp_path: Path
) -> None:
    folder = tmp_path / "books"
    options = ("--no-input", "--connection", "mine", "--sandbox", server.base_url)
    done = command("init", str(folder), *options)
    assert done.exit_code == 2
    assert "Leave out --connection, or --sandbox" in done.output
    assert not folder.exists()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://127.0.0.1:1", "no sandbox answers at http://127.0.0.1:1"),
        ("https://start.exactonline.nl", "is not an address of this machine"),
    ],
)
def test_a_sandbox_that_is_not_there_is_named(
    command: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    address: str,
    said: str,
) -> None:
    monkeypatch.setattr(sandbox, "PATIENCE", 0.0)
    done = command("init", str(tmp_path / "books"), "--no-input", "--sandbox", address)
    assert done.exit_code == 2
    assert said in done.output
    assert ("Waiting up to" in done.output) is address.endswith(":1")
    assert not (tmp_path / "books").exists()


@pytest.mark.parametrize("form", ["{}", "file://{}"])
def test_the_source_is_a_folder_that_there_is(
    command: Callable[..., Result], tmp_path: Path, form: str
) -> None:
    asked = ("init", str(tmp_path / "books"), "--no-input", "--source")
    done = command(*asked, form.format(tmp_path / "none"))
    assert done.exit_code == 2
    assert f"--source: there is no {tmp_path / 'none'}." in done.output
    assert command(*asked, form.format(tmp_path)).exit_code == 0
    settings = (tmp_path / "books" / ".env").read_text(encoding="utf-8")
    assert f"SINGER_EXACTONLINE_URL={tmp_path.as_uri()}\n" in settings


def test_what_failed_can_be_tried_again(
    command: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
    server: Server,
    elsewhere: Server,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(sandbox, "PATIENCE", 0.0)
    asked = ("init", str(tmp_path / "books"), "--no-input", "--sandbox")
    for address in ("http://127.0.0.1:1", elsewhere.base_url):
        assert command(*asked, address).exit_code == 2
    done = command(*asked, server.base_url)
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize(
    ("variable", "code"),
    [
        ({"EXACTONLINE_STORE_KEY": "nonsense"}, 2),
        ({"EXACTONLINE_CONNECTION": "an/other"}, 0),
        ({"EXACTONLINE_CLIENT_ID": "another"}, 0),
        ({"EXACTONLINE_REDIRECT_URI": "elsewhere"}, 0),
    ],
)
def test_only_the_store_is_taken_from_the_environment(
    command: Callable[..., Result],
    server: Server,
    tmp_path: Path,
    variable: dict[str, str],
    code: int,
) -> None:
    folder = tmp_path / "books"
    done = command("init", str(folder), "--no-input", "--sandbox", server.base_url, **variable)
    assert done.exit_code == code, done.output
    assert ("Setting store_key" in done.stderr) is bool(code)
    assert folder.exists() is not bool(code)


def test_a_sandbox_that_ends_in_the_middle_is_named(
    command: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
    server: Server,
    tmp_path: Path,
) -> None:
    def gone(*_: object, **__: object) -> None:
        raise requests.ConnectionError

    monkeypatch.setattr(requests, "post", gone)
    asked = ("init", str(tmp_path / "books"), "--no-input", "--sandbox", server.base_url)
    done = command(*asked)
    assert done.exit_code == 2
    assert f"no sandbox answers at {server.base_url}" in done.stderr


def test_the_app_of_another_sandbox_is_not_known(
    command: Callable[..., Result], elsewhere: Server, tmp_path: Path
) -> None:
    done = command("init", str(tmp_path / "books"), "--no-input", "--sandbox", elsewhere.base_url)
    assert done.exit_code == 2
    assert f"exactonline connect --base-url {elsewhere.base_url}" in done.output
