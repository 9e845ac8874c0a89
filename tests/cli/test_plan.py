"""`plan`: what a run will cost, for people and for programs."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tap_exactonline.tap import TapExactOnline
from tests.cli.conftest import at_keyboard, read_until
from tests.cli.test_commands import sign_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

    from exactonline_sandbox import Server

STREAMS = ("accounts", "journals", "stock_positions")


@pytest.fixture(scope="module")
def selection() -> str:
    found = TapExactOnline(validate_config=False, setup_mapper=False).catalog_dict
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
    assert lines[-2:] == [
        "Together: at least 13 calls, less than a minute at the limit of calls a minute.",
        "Besides, calls of current/Me, which count against no limit: 1.",
    ]


def test_lists_without_rows_share_a_line(
    command: Callable[..., Result], tmp_path: Path, selection: str, config: str, server: Server
) -> None:
    empty = (
        "employees",
        "schedules",
        "leave_registrations",
        "absence_registrations",
        "shop_orders",
    )
    found = json.loads(selection)
    for entry in found["streams"]:
        for item in entry["metadata"]:
            if not item["breadcrumb"]:
                item["metadata"]["selected"] = entry["tap_stream_id"] in (*empty, "journals")
    path = tmp_path / "chosen.json"
    path.write_text(json.dumps(found))
    options = ("plan", "--yes", "--config", config, "--catalog", str(path))
    lines = command(*options).stdout.splitlines()
    grouped = [line for line in lines if "lists without rows" in line]
    assert len(grouped) == len(server.divisions)
    assert "5 lists without rows: absence_registrations, employees" in grouped[0]
    assert "and 1 more" in grouped[0]
    assert sum("journals" in line for line in lines) == len(server.divisions)
    lists = planned(command(*options, "--json"))["lists"]
    assert {name for each in lists for name in each["streams"]} >= set(empty)


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


def test_settings_in_the_environment_are_read_as_the_tap_reads_them(
    command: Callable[..., Result], catalog: str, server: Server
) -> None:
    first, second, _ = server.divisions
    texts = {
        "DIVISIONS": f"{first}, {second}",
        "CUSTOM_STREAMS": '[{"name": "big", "path": "crm/Accounts"}]',
        "REQUEST_TIMEOUT": "300",
        "ATTACHMENTS_MAX_MB": "2.5",
        "CHECK_RIGHTS": "off",
        "START_DATE": "",
    }
    variables = {f"TAP_EXACTONLINE_{name}": text for name, text in texts.items()}
    found = planned(command("plan", "--no-count", "--catalog", catalog, "--json", **variables))
    assert {one["division"] for one in found["lists"] if one["streams"]} == {first, second}


def test_a_text_that_is_no_such_value_is_one_line(command: Callable[..., Result]) -> None:
    result = command("plan", "--no-count", TAP_EXACTONLINE_DIVISIONS="1700001;1700002")
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: Environment variable TAP_EXACTONLINE_DIVISIONS should be a list")


def test_several_files_a_file_env_and_options_hold_one_over_the_other(
    command: Callable[..., Result], catalog: str, server: Server, tmp_path: Path
) -> None:
    texts = ('{"divisions": "none", "connection": "none"}', '{"divisions": [1]}')
    files = [tmp_path / f"{number}.json" for number, _ in enumerate(texts)]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text)
    options = [part for file in files for part in ("--config", str(file))]
    Path(".env").write_text(f"TAP_EXACTONLINE_DIVISIONS={server.divisions[2]}\n")
    result = command(
        *("plan", "--no-count", "--catalog", catalog, "--json"),
        *("--connection", "books", "--config", "ENV", *options),
        TAP_EXACTONLINE_CONNECTION="another",
        # Set, so that what the file adds goes with it.
        TAP_EXACTONLINE_DIVISIONS=None,
    )
    found = planned(result)
    assert {one["division"] for one in found["lists"] if one["streams"]} == {server.divisions[2]}


def test_misspelt_settings_are_named(
    command: Callable[..., Result],
    catalog: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"divisons": [1]}')
    result = command(
        *("plan", "--no-count", "--catalog", catalog, "--config", str(path)),
        TAP_EXACTONLINE_ALL_DIVISION="true",
        EXACTONLINE_STORE_KEYS="x",
    )
    assert result.exit_code == 0
    assert "no setting divisons; it has no effect. Did you mean divisions?" in caplog.text
    assert "TAP_EXACTONLINE_ALL_DIVISION has no effect. Did you mean TAP_" in caplog.text
    assert "EXACTONLINE_STORE_KEYS has no effect. Is it EXACTONLINE_STORE_KEY?" in result.stderr


class TestMeltano:
    """In a Meltano project, what it selects is planned."""

    @pytest.fixture
    def project(self, tmp_path: Path) -> Path:
        folder = tmp_path / "project"
        folder.mkdir()
        (folder / "meltano.yml").touch()
        return folder

    @pytest.fixture
    def meltano(
        self, project: Path, selection: str, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> Path:
        """A program that gives what Meltano would; returns its log."""
        (project / "catalog.json").write_text(selection)
        (project / "config.json").write_text(json.dumps({"divisions": [server.divisions[1]]}))
        program = project / "bin" / "meltano"
        program.parent.mkdir()
        program.write_text(
            f"#!{sys.executable}\n"
            "import pathlib, sys\n"
            "what = sys.argv[-2].partition('=')[2]\n"
            "with open('log', 'a') as log: log.write(f'{what} {sys.argv[-1]}\\n')\n"
            "print('Stream `acounts` was not found in the catalog', file=sys.stderr)\n"
            "print(pathlib.Path(f'{what}.json').read_text())\n"
        )
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
        return project / "log"

    @staticmethod
    def streams(result: Result) -> set[str]:
        return {stream for one in planned(result)["lists"] for stream in one["streams"]}

    @pytest.mark.parametrize(
        ("patterns", "streams"),
        [
            (["journals.*", "accounts.Name", "!accounts.Code"], {"journals", "accounts"}),
            (["*currenc*", "journals", "!journals.*"], {"currencies"}),
            (["stock_pos*.*", "items.*", "!items"], {"stock_positions"}),
        ],
    )
    def test_meltano_says_what_is_selected(
        self,
        command: Callable[..., Result],
        project: Path,
        patterns: list[str],
        streams: set[str],
    ) -> None:
        folder = project / ".meltano" / "run" / "tap-exactonline"
        folder.mkdir(parents=True)
        # Of an earlier run, with another selection.
        (folder / "tap.properties.json").write_text('{"streams": []}')
        variables = {
            "MELTANO_PROJECT_ROOT": str(project),
            "TAP_EXACTONLINE__SELECT": json.dumps(patterns),
        }
        result = command("plan", "--no-count", "--json", **variables)
        assert self.streams(result) == streams

    def test_meltano_says_which_catalog_is_used(
        self, command: Callable[..., Result], project: Path, selection: str
    ) -> None:
        (project / "own.json").write_text(selection)
        variables = {
            "MELTANO_PROJECT_ROOT": str(project),
            "TAP_EXACTONLINE__SELECT": '["*.*"]',
            "TAP_EXACTONLINE__CATALOG": "own.json",
        }
        result = command("plan", "--no-count", "--json", **variables)
        assert self.streams(result) == {*STREAMS}

    def test_without_meltano_before_it_settings_are_asked_for_too(
        self,
        command: Callable[..., Result],
        project: Path,
        meltano: Path,
        server: Server,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        (project / "below").mkdir()
        monkeypatch.chdir(project / "below")
        result = command("plan", "--no-count", "--json")
        assert self.streams(result) == {*STREAMS}
        assert {one["division"] for one in planned(result)["lists"] if one["streams"]} == {
            server.divisions[1]
        }
        assert meltano.read_text() == "config tap-exactonline\ncatalog tap-exactonline\n"
        assert f"Asking Meltano what the project {project} selects" in result.stderr
        assert "Stream `acounts` was not found in the catalog" in result.stderr

    @pytest.mark.usefixtures("meltano")
    def test_where_meltano_does_not_tell_nothing_is_planned(
        self, command: Callable[..., Result], project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (project / "config.json").unlink()
        monkeypatch.chdir(project)
        result = command("plan", "--no-count")
        assert result.exit_code == 2
        assert "--dump=config tap-exactonline failed: FileNotFoundError" in result.stderr
        assert "tap-exactonline is not installed in it yet: run meltano install." in result.stderr
        (project / ".meltano" / "extractors" / "tap-exactonline" / "venv").mkdir(parents=True)
        result = command("plan", "--no-count")
        assert "Give --catalog, or run meltano invoke tap-exactonline:plan." in result.stderr


class TestManyCalls:
    """Before it counts many lists it asks, and it can be stopped."""

    MANY = (
        *STREAMS,
        "items",
        "gl_accounts",
        "contacts",
        "vat_codes",
        "units",
        "addresses",
        "quotations",
    )
    CALLS = 27

    @pytest.fixture
    def options(self, tmp_path: Path, selection: str, config: str) -> list[str]:
        found = json.loads(selection)
        for entry in found["streams"]:
            for item in entry["metadata"]:
                if not item["breadcrumb"]:
                    item["metadata"]["selected"] = entry["tap_stream_id"] in self.MANY
        path = tmp_path / "many.json"
        path.write_text(json.dumps(found))
        return ["plan", "--catalog", str(path), "--config", config]

    def test_where_nobody_can_be_asked_nothing_is_spent(
        self, command: Callable[..., Result], server: Server, options: list[str]
    ) -> None:
        result = command(*options)
        assert result.exit_code == 2
        assert result.stderr == (
            f"Error: Counting the rows of {self.CALLS} lists in 3 divisions takes {self.CALLS} "
            "calls. Give --yes to make them, or --no-count to do without.\n"
        )
        assert spent(server) == 0

    def test_who_has_said_yes_is_shown_how_far_it_is(
        self, command: Callable[..., Result], server: Server, options: list[str]
    ) -> None:
        result = command(*options, "--yes", "--json")
        assert planned(result)["calls_spent_on_counting"] == spent(server) == self.CALLS
        assert result.stderr.endswith(f"\n25 of {self.CALLS} lists counted.\n")

    @pytest.mark.parametrize(("answer", "calls"), [(b"y\n", CALLS), (b"\n", 0)])
    def test_the_answer_counts(
        self, server: Server, store_url: str, options: list[str], answer: bytes, calls: int
    ) -> None:
        with at_keyboard([*options, "--json"], store_url) as (process, keyboard):
            read_until(process.stderr, b"Continue? [y/N]:")
            os.write(keyboard, answer)
            found = json.loads(process.communicate(timeout=60)[0])
        assert process.returncode == 0
        assert found["calls_spent_on_counting"] == spent(server) == calls

    @pytest.mark.parametrize("option", [None, "--yes"])
    def test_ctrl_c_ends_it_at_once(
        self, server: Server, store_url: str, options: list[str], option: str | None
    ) -> None:
        # The count would have to wait for the next minutes.
        server.control.limits(minutely=2)
        before = b"Counting rows:" if option else b"Continue? [y/N]:"
        with at_keyboard([*options, *filter(None, [option])], store_url) as (process, _):
            read_until(process.stderr, before)
            process.send_signal(signal.SIGINT)
            out, rest = process.communicate(timeout=30)
        assert process.returncode == 130
        assert out.strip() == b""
        assert b"Traceback" not in rest


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
    again = ("plan", "--no-count", "--config", config, "--catalog", catalog)
    result = command(*again)
    (accounts,) = [
        line
        for line in result.stdout.splitlines()
        if str(server.divisions[0]) in line and "accounts" in line
    ]
    assert accounts.rstrip().endswith("1 (all, 1 expected)")
    lists = planned(command(*again, "--json"))["lists"]
    assert {"calls": 1, "scope": "all", "expected": 1} in [each["last_run"] for each in lists]
