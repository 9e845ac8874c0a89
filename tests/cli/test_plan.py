"""`plan`: what a run will cost, for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tap_exactonline.tap import TapExactOnline
from tests.cli.test_commands import sign_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

    from exactonline_sandbox import Server

STREAMS = ("accounts", "journals", "stock_positions")


@pytest.fixture(scope="module")
def selection() -> str:
    found = TapExactOnline(validate_config=False).catalog_dict
    for entry in found["streams"]:
        for item in entry["metadata"]:
            if not item["breadcrumb"]:
                item["metadata"]["selected"] = entry["tap_stream_id"] in STREAMS
    return json.dumps(found)


@pytest.fixture
def catalog(tmp_path: Path, selection: str) -> str:
    path = tmp_path / "catalog.json"
    path.write_text(selection)
    return str(path)


@pytest.fixture
def config(tmp_path: Path, server: Server) -> str:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"divisions": [*server.divisions]}))
    return str(path)


@pytest.fixture(autouse=True)
def _signed_in(server: Server, store_url: str) -> None:
    sign_in(server, store_url)
    server.control.reset_calls()


def spent(server: Server) -> int:
    calls = server.control.calls()["calls"]
    return sum(call["count"] for call in calls if call["division"])


def planned(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_it_counts_what_is_not_known_and_says_so_first(
    command: Callable[..., Result], server: Server, catalog: str, config: str
) -> None:
    first = command("plan", "--config", config, "--catalog", catalog, "--json")
    found = planned(first)
    assert first.stderr == "Counting rows: 6 calls in 3 divisions. --no-count saves them.\n"
    assert found["calls_spent_on_counting"] == spent(server) == 6
    lists = {(one["division"], *one["streams"]): one for one in found["lists"]}
    division = server.divisions[0]
    accounts = server.control.truth(division, "accounts")
    assert lists[division, "accounts"]["rows"] == len(accounts)
    assert lists[division, "accounts"]["endpoint"] == "sync/CRM/Accounts"
    assert lists[division, "stock_positions"]["rows"] is None
    assert found["at_least"] is True
    assert found["calls"] == sum(one["calls"] for one in found["lists"])
    again = command("plan", "--config", config, "--catalog", catalog, "--json")
    assert planned(again)["calls_spent_on_counting"] == 0
    assert again.stderr == ""


def test_it_can_do_without_counting(
    command: Callable[..., Result], server: Server, catalog: str, config: str
) -> None:
    found = planned(
        command("plan", "--no-count", "--config", config, "--catalog", catalog, "--json")
    )
    assert spent(server) == 0
    assert all(one["rows"] is None for one in found["lists"])


def test_people_get_a_table(
    command: Callable[..., Result], catalog: str, config: str, server: Server
) -> None:
    result = command("plan", "--config", config, "--catalog", catalog)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    (accounts,) = [
        line.split() for line in lines if str(server.divisions[0]) in line and "accounts" in line
    ]
    assert accounts[1:4] == ["accounts", "sync/CRM/Accounts", "all"]
    assert accounts[5:7] == ["(count)", "1000"]
    assert lines[-1] == (
        "Together: at least 13 calls, less than a minute at the limit of calls a minute."
    )


def test_settings_come_from_the_environment_too(
    command: Callable[..., Result], catalog: str, server: Server
) -> None:
    division = server.divisions[1]
    found = planned(
        command(
            *("plan", "--no-count", "--catalog", catalog, "--json"),
            TAP_EXACTONLINE_DIVISIONS=f"[{division}]",
        )
    )
    assert {one["division"] for one in found["lists"] if one["streams"]} == {division}


def test_in_a_meltano_project_its_selection_is_planned(
    command: Callable[..., Result], tmp_path: Path, selection: str
) -> None:
    folder = tmp_path / "project" / ".meltano" / "run" / "tap-exactonline"
    folder.mkdir(parents=True)
    (folder / "tap.properties.json").write_text(selection)
    found = planned(
        command("plan", "--no-count", "--json", MELTANO_PROJECT_ROOT=str(tmp_path / "project"))
    )
    streams = {stream for one in found["lists"] for stream in one["streams"]}
    assert streams == {*STREAMS}


@pytest.mark.parametrize("content", ["no JSON", "[1]"])
def test_a_file_that_is_no_json_object_is_one_line(
    command: Callable[..., Result], tmp_path: Path, content: str
) -> None:
    path = tmp_path / "state.json"
    path.write_text(content)
    result = command("plan", "--state", str(path))
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: {path} ")
    assert len(result.stderr.splitlines()) == 1


def test_a_wrong_setting_is_one_line(command: Callable[..., Result], tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"divisions": "all of them"}))
    result = command("plan", "--config", str(path))
    assert result.exit_code == 2
    assert "divisions" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_count_that_is_refused_does_not_end_it(
    command: Callable[..., Result], server: Server, catalog: str, config: str
) -> None:
    server.control.switches(denied=["financial/Journals"])
    result = command("plan", "--config", config, "--catalog", catalog, "--json")
    assert planned(result)["at_least"] is True
    assert result.stderr.count("journals of division") == len(server.divisions)


def test_what_the_last_run_took_stands_beside_what_was_expected_of_it(
    command: Callable[..., Result], store_url: str, catalog: str, config: str, server: Server
) -> None:
    command("plan", "--config", config, "--catalog", catalog)
    settings = {**json.loads(Path(config).read_text(encoding="utf-8")), "store_url": store_url}
    tap = TapExactOnline(config=settings, catalog=json.loads(Path(catalog).read_text()))
    tap.run()
    tap.connection.close()
    result = command("plan", "--no-count", "--config", config, "--catalog", catalog)
    (accounts,) = [
        line
        for line in result.stdout.splitlines()
        if str(server.divisions[0]) in line and "accounts" in line
    ]
    assert accounts.rstrip().endswith("1 (all, 1 expected)")
