"""What `make` deletes: never a sign-in or a journal without asking; and how its checks end."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped]
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[1]
KEPT = (".exactonline/store.db", ".exactonline/store.key", ".meltano/meltano.db")
MADE = (".venv/bin/python", ".demo/store/store.db", ".meltano/extractors/tap/plugin.json", "site/a")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in (*KEPT, *MADE):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def make(project: Path, target: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", target], cwd=project, input=text, capture_output=True, text=True, check=False
    )


def there(project: Path) -> set[str]:
    return {name for name in (*KEPT, *MADE) if (project / name).exists()}


def test_cleaning_spares_what_cannot_be_made_again(project: Path) -> None:
    assert make(project, "clean").returncode == 0
    assert there(project) == set(KEPT)


def test_cleaning_leaves_nothing_of_its_own(project: Path) -> None:
    for name in KEPT:
        (project / name).unlink()
    assert make(project, "clean").returncode == 0
    assert {path.name for path in project.iterdir()} == {"Makefile", ".exactonline"}


@pytest.mark.parametrize("text", ["", "\n", "yes\n"])
def test_the_sign_in_is_kept_unless_that_is_asked_for(text: str, project: Path) -> None:
    done = make(project, "forget-sign-in", text)
    assert done.returncode != 0
    assert "Nothing was deleted." in done.stderr
    assert set(KEPT) <= there(project)


def test_the_sign_in_can_be_forgotten(project: Path) -> None:
    done = make(project, "forget-sign-in", "forget\n")
    assert done.returncode == 0, done.stderr
    assert "keeps documents from being sent twice" in done.stdout
    assert not (project / ".exactonline").exists()
    assert there(project) == {*MADE, ".meltano/meltano.db"}
    assert make(project, "forget-sign-in").returncode == 0


STUBS = {"ruff": "exit 0", "lint-imports": "exit 0"}


def checks(project: Path, target: str = "test", **scripts: str) -> list[str]:
    """A target that checks all, with scripts in place of the tools."""
    for name, script in {**STUBS, **scripts}.items():
        tool = project / "tools" / name
        tool.parent.mkdir(exist_ok=True)
        tool.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        tool.chmod(0o755)
    return ["make", target, "ENV=", "DEMO_ENV=", "DBT_ENV=", f"BIN={project / 'tools'}"]


@pytest.mark.parametrize("target", ["test", "check"])
@pytest.mark.parametrize(("types", "tests"), [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_every_check_must_pass(project: Path, target: str, types: int, tests: int) -> None:
    command = checks(project, target, mypy=f"exit {types}", pytest=f"exit {tests}")
    done = subprocess.run(command, cwd=project, capture_output=True, check=False)
    assert (done.returncode == 0) is (types == tests == 0)


@pytest.mark.parametrize(("target", "code"), [("test", 2), ("check", 130)])
def test_nothing_is_left_of_an_interrupted_check(target: str, code: int, project: Path) -> None:
    def lasting(name: str) -> str:
        return f"trap 'exit {code}' INT; echo $$ > {name}.pid; while :; do sleep 0.1; done"

    process = subprocess.Popen(
        checks(project, target, mypy=lasting("mypy"), pytest=lasting("pytest")),
        cwd=project,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    files = [project / f"{name}.pid" for name in ("mypy", "pytest")]
    try:
        _wait(lambda: all(file.exists() and file.read_text() for file in files))
        os.killpg(process.pid, signal.SIGINT)
        process.wait(10)
        _wait(lambda: not any(psutil.pid_exists(int(file.read_text())) for file in files))
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.parametrize("code", [0, 3])
def test_the_earlier_commit_of_a_benchmark_is_not_left(code: int, project: Path) -> None:
    script = f"test -e build/before/Makefile || exit 9; exit {code}"
    command = [*checks(project, "bench", python=script), "BEFORE=HEAD"]
    who = ("-c", "user.name=me", "-c", "user.email=me@example.com")
    for arguments in (("init", "-q"), ("add", "Makefile"), (*who, "commit", "-qm", "first")):
        subprocess.run(["git", *arguments], cwd=project, check=True)
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) is (code == 0), done.stderr
    assert f"Error {code}" in done.stderr or code == 0
    assert not (project / "build" / "before").exists()


def test_the_earlier_commit_of_another_benchmark_stays(project: Path) -> None:
    (project / "build" / "before").mkdir(parents=True)
    (project / "build" / "before" / "mine").touch()
    command = [*checks(project, "bench", python="exit 0"), "BEFORE=HEAD"]
    assert subprocess.run(command, cwd=project, capture_output=True, check=False).returncode
    assert (project / "build" / "before" / "mine").exists()


def _wait(condition: Callable[[], bool]) -> None:
    latest = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < latest
        time.sleep(0.02)
