"""What the examples for schedulers would run is there: commands, options, plugins, settings."""

from __future__ import annotations

import inspect
import os
import re
import runpy
import shlex
import subprocess
import sys
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import yaml
from typing_extensions import Self

from exactonline_cli.main import main
from tap_exactonline.divisions import sharding
from tests.built import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

EXAMPLES = ROOT / "examples"
PROJECT: dict[str, Any] = yaml.safe_load((EXAMPLES / "meltano.yml").read_text(encoding="utf-8"))
PLUGINS = {plugin["name"]: plugin for kind in PROJECT["plugins"].values() for plugin in kind}

# Says what it was asked to do, and for which share.
MELTANO = """#!/bin/sh
echo "meltano $@"
echo "$TAP_EXACTONLINE_DIVISIONS_SHARE"
"""


def groups() -> dict[str, list[int]]:
    """The plugins that the page on divisions has for groups of them, with their divisions."""
    text = (ROOT / "docs" / "many-companies.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```yaml\n(plugins:\n.*?)```", text, re.DOTALL)
    entries = yaml.safe_load(block)["plugins"]["extractors"]
    return {
        entry["name"]: entry["config"]["divisions"]
        for entry in entries
        if entry.get("inherit_from") == "tap-exactonline"
    }


def check_meltano(command: str) -> None:
    """A command line of Meltano's names plugins that there are, and commands that they have."""
    program, verb, *arguments = shlex.split(command)
    assert program == "meltano"
    if verb == "run":
        assert arguments[-1] in PLUGINS
        assert arguments[-2] in {*PLUGINS, *groups()}
        return
    assert verb == "invoke"
    plugin, _, name = arguments[0].partition(":")
    called = PLUGINS[plugin]["commands"][name]
    assert called["executable"] == "exactonline"
    known = {option for given in main.commands[called["args"]].params for option in given.opts}
    assert {word for word in arguments if word.startswith("-")} <= known


class Operator:
    """What Airflow would run, in the order it was said."""

    made: ClassVar[list[Operator]] = []

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.made.append(self)

    def __rrshift__(self, before: list[Self]) -> Self:
        self.options["after"] = before
        return self


class Dag:
    """A graph that is only named and scheduled."""

    def __init__(self, name: str, **options: Any) -> None:
        assert name
        assert options["schedule"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let everything through."""


def module(name: str, **content: Any) -> ModuleType:
    made = ModuleType(name)
    vars(made).update(content)
    return made


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Runs an example with a stand-in for the scheduler that it imports."""

    def loaded(file: str, *modules: ModuleType) -> dict[str, Any]:
        for made in modules:
            monkeypatch.setitem(sys.modules, made.__name__, made)
        return runpy.run_path(str(EXAMPLES / file))

    return loaded


@pytest.fixture
def operators() -> Iterator[list[Operator]]:
    yield Operator.made
    Operator.made.clear()


def test_airflow_loads_each_group_and_then_looks_after_the_sign_in(
    load: Callable[..., dict[str, Any]], operators: list[Operator]
) -> None:
    found = load(
        "airflow_dag.py",
        module("airflow.providers.standard.operators.bash", BashOperator=Operator),
        module("airflow.sdk", DAG=Dag),
    )
    commands = [operator.options["bash_command"] for operator in operators]
    for command in commands:
        check_meltano(command)
    assert {shlex.split(command)[2] for command in commands[:-1]} == set(groups())
    assert operators[-1].options["after"] == operators[:-1] == found["loads"]


def test_dagster_loads_each_group(
    load: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[list[str]] = []
    monkeypatch.setattr(subprocess, "run", lambda command, **_: ran.append(command))
    stand_in = module(
        "dagster",
        asset=lambda **_: lambda function: function,
        define_asset_job=lambda name, **_: name,
        RetryPolicy=SimpleNamespace,
        Definitions=SimpleNamespace,
        ScheduleDefinition=SimpleNamespace,
        AssetsDefinition=object,
        AssetExecutionContext=object,
    )
    found = load("dagster_definitions.py", stand_in)
    for asset in found["assets"]:
        # Dagster refuses an annotation that is text.
        assert isinstance(inspect.signature(asset).parameters["context"].annotation, type)
        asset(SimpleNamespace(log=SimpleNamespace(info=lambda *_: None)))
    for command in ran:
        check_meltano(shlex.join(command))
    assert {command[2] for command in ran} == set(groups())


@pytest.fixture
def pods() -> dict[str, Any]:
    """What Kubernetes is told of the job, with the container under `container`."""
    found = yaml.safe_load((EXAMPLES / "kubernetes.yml").read_text(encoding="utf-8"))
    assert (found["apiVersion"], found["kind"]) == ("batch/v1", "CronJob")
    job: dict[str, Any] = found["spec"]["jobTemplate"]["spec"]
    (job["container"],) = job["template"]["spec"]["containers"]
    return job


def test_kubernetes_starts_the_image_that_is_made(pods: dict[str, Any]) -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert f"--tag {pods['container']['image']} --target meltano" in dockerfile
    assert " AS meltano\n" in dockerfile


def test_kubernetes_sets_what_there_is(pods: dict[str, Any]) -> None:
    comment = (EXAMPLES / "kubernetes.yml").read_text(encoding="utf-8").partition("apiVersion")[0]
    secrets = set(re.findall(r"\b[A-Z]+_[A-Z_]+\b", comment))
    own = {variable["name"] for variable in pods["container"]["env"]}
    exported = set(re.findall(r"export (\w+)=", pods["container"]["command"][-1]))
    known = {
        f"{name.replace('-', '_')}_{setting['name']}".upper()
        for name, plugin in PLUGINS.items()
        for setting in plugin["settings"]
    }
    of_meltano = {"MELTANO_DATABASE_URI", "TAP_EXACTONLINE__SELECT"}
    assert (secrets | own | exported) - of_meltano - {"SHARES", "JOB_COMPLETION_INDEX"} <= known
    sensitive = {
        f"TAP_EXACTONLINE_{setting['name']}".upper()
        for setting in PLUGINS["tap-exactonline"]["settings"]
        if setting.get("sensitive")
    }
    assert sensitive <= secrets
    assert not sensitive & own


def test_the_pods_of_kubernetes_share_all_divisions(pods: dict[str, Any], tmp_path: Path) -> None:
    assert pods["completionMode"] == "Indexed"
    assert pods["template"]["spec"]["restartPolicy"] == "Never"
    (tmp_path / "meltano").write_text(MELTANO, encoding="utf-8")
    (tmp_path / "meltano").chmod(0o755)
    given = {variable["name"]: variable["value"] for variable in pods["container"]["env"]}
    read: list[int] = []
    for index in range(pods["completions"]):
        path = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
        done = subprocess.run(
            pods["container"]["command"],
            capture_output=True,
            text=True,
            check=True,
            env={**given, **path, "JOB_COMPLETION_INDEX": str(index)},
        )
        command, share = done.stdout.splitlines()
        check_meltano(command)
        assert f"--state-id-suffix {share.replace('/', '-of-')} " in command
        read += sharding.shard(range(1_700_000, 1_700_020), share)
    assert sorted(read) == [*range(1_700_000, 1_700_020)]
