"""Every command of the definitions, run by Meltano in a project that is made from them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from exactonline_sandbox import Sandbox, SandboxConfig
from tests.built import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

TAP, TARGET = "tap-exactonline", "target-exactonline"
PLUGINS = {TAP: "extractors", TARGET: "loaders"}
SELECTED = {"accounts", "journals"}
PYTHON = ROOT / ".venv-demo" / "bin" / "python"
DIVISIONS = [1_700_001, 1_700_002]
CONFIG: dict[str, dict[str, Any]] = {
    TAP: {
        "divisions": DIVISIONS,
        "attachments_max_mb": 2.5,
        "custom_streams": [{"name": "big", "path": "crm/Accounts"}],
        "stream_maps": {"journals": {"Code": "Code"}},
    },
    TARGET: {
        "division": DIVISIONS[0],
        "create_missing": ["accounts", "items"],
        "streams": {"bills": {"entity": "sales_invoices"}},
        "hard_delete": True,
    },
}


@dataclass(frozen=True)
class Run:
    """What Meltano is to run, and how that ends."""

    plugin: str
    command: str | None = None
    options: tuple[str, ...] = ()
    environment: str = "dev"
    code: int = 0
    said: str = ""


LOGIN = ("--redirect-uri", "https://example.com/back", "--divisions", "all", "--code-url", "-")
RUNS = [
    *(
        run
        for plugin in PLUGINS
        for run in (
            # The port that the page wants is taken; it would wait for a person.
            Run(plugin, "connect", ("--no-browser", "--port", "PORT"), code=2, said="Port PORT of"),
            Run(plugin, "ui", ("--no-browser", "--port", "PORT"), code=2, said="Port PORT of"),
            # Nobody writes the address that the sign-in ended at.
            Run(plugin, "login", LOGIN, code=3, said="oauth2/auth?"),
            Run(plugin, "divisions", said="1700002"),
            Run(plugin, "keepalive", said="signed in as"),
            Run(plugin, "status", said="Calls left today"),
        )
    ),
    Run(TAP, "plan", said="Together: "),
    Run(TAP, "plan", ("--no-count", "--json"), said='"calls_spent_on_counting": 0'),
    Run(TAP, "doctor", said=" API calls of at most 60."),
    Run(TAP, "models", said="The dbt project is in dbt."),
    # dbt has built nothing yet.
    Run(TAP, "report", ("--database", "duckdb:///nothing.duckdb"), code=2, said="nothing.duckdb"),
    Run(TARGET, "results", said="No results."),
    Run(TARGET, "replay", said="Division 1700001: 0 records are sent again."),
    # What Meltano adds to the settings and the environment of a plugin means no harm.
    Run(TARGET),
    Run(TARGET, environment="wrong", code=2, said="no setting dryrun. Did you mean dry_run?"),
]


def definition(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "hub" / f"{name}.yml").read_text("utf-8"))
    return found


def make_project(folder: Path) -> None:
    """A project with both plugins, which need no installation: they are in this environment."""
    plugins = {
        kind: [{**definition(name), "config": CONFIG[name]}] for name, kind in PLUGINS.items()
    }
    plugins["extractors"][0]["select"] = [f"{stream}.*" for stream in sorted(SELECTED)]
    wrong = {"loaders": [{"name": TARGET, "config": {"dryrun": True}}]}
    project = {
        "project_id": "commands",
        "send_anonymous_usage_stats": False,
        "default_environment": "dev",
        "environments": [{"name": "dev"}, {"name": "wrong", "config": {"plugins": wrong}}],
        "plugins": plugins,
    }
    (folder / "meltano.yml").write_text(yaml.safe_dump(project), encoding="utf-8")
    for name, kind in PLUGINS.items():
        place = folder / ".meltano" / kind / name
        place.mkdir(parents=True)
        (place / "venv").symlink_to(sys.prefix)


def arguments(run: Run) -> list[str]:
    what = run.plugin if run.command is None else f"{run.plugin}:{run.command}"
    return ["--environment", run.environment, "invoke", "--no-install", what, *run.options]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[Run, tuple[int, str, str]]:
    """How the runs ended; exit code, standard output and standard error of each."""
    folder = tmp_path_factory.mktemp("commands")
    make_project(folder)
    sandbox = Sandbox(SandboxConfig(seed=3, invoices=2, divisions=len(DIVISIONS)))
    with sandbox.running() as server, socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        settings = server.settings()
        server.control.clock(advance_seconds=600)
        variables = {
            f"{name.upper().replace('-', '_')}_{setting.upper()}": value
            for name in PLUGINS
            for setting, value in settings.items()
        }
        runs = [[argument.replace("PORT", port) for argument in arguments(run)] for run in RUNS]
        done = subprocess.run(
            [PYTHON, Path(__file__).with_name("meltano_runs.py")],
            cwd=folder,
            env={
                **{name: text for name, text in os.environ.items() if name != "VIRTUAL_ENV"},
                **variables,
                "PATH": os.pathsep.join([str(PYTHON.parent), os.environ["PATH"]]),
                "NO_COLOR": "1",
            },
            input=json.dumps(runs),
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    found = [
        (code, out.replace(port, "PORT"), err.replace(port, "PORT"))
        for code, out, err in json.loads(done.stdout)
    ]
    return dict(zip(RUNS, found, strict=True))


@pytest.mark.parametrize("run", RUNS, ids=lambda run: " ".join(arguments(run)[1:]))
def test_a_command_ends_as_it_should(run: Run, results: dict[Run, tuple[int, str, str]]) -> None:
    code, out, err = results[run]
    assert code == run.code, out + err
    assert run.said in out + err
    assert "Traceback" not in out + err


def test_no_command_is_left_out() -> None:
    defined = {(name, command) for name in PLUGINS for command in definition(name)["commands"]}
    assert {(run.plugin, run.command) for run in RUNS if run.command} == defined


def test_a_plan_is_that_of_the_selection(results: dict[Run, tuple[int, str, str]]) -> None:
    plain, with_options = (results[run][1] for run in RUNS if run.command == "plan")
    for stream in SELECTED:
        assert plain.count(f"  {stream}  ") == len(DIVISIONS), plain
    found = json.loads(with_options)
    assert {name for each in found["lists"] for name in each["streams"]} == SELECTED
    assert {each["division"] for each in found["lists"] if each["streams"]} == {*DIVISIONS}
