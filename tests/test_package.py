"""The distribution: what is in it, and that it works where nothing else is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from scripts.check_tag import complaint
from tests.built import ROOT, build

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGES = (
    "exactonline_cli",
    "exactonline_client",
    "exactonline_sandbox",
    "tap_exactonline",
    "target_exactonline",
)
FOLDERS = (*PACKAGES, "dbt")
SHIPPED_MODELS = "exactonline_cli/dbt_project"
"""Where a wheel has the folder `dbt`."""
VERSIONS = (
    *("3.10", "3.11"),
    *(pytest.param(version, marks=pytest.mark.slow) for version in ("3.12", "3.13", "3.14")),
)
PRESENT = """
from importlib.util import find_spec
print([name for name in ("keyring", "playwright", "psycopg") if find_spec(name)])
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return build(tmp_path_factory.mktemp("dist"))


def uv() -> str:
    own = ROOT / ".tools" / "bin" / "uv"
    found = shutil.which("uv") or (str(own) if own.exists() else None)
    assert found, "uv is needed on PATH or in .tools/bin; `make test` puts it there."
    return found


def interpreter(version: str) -> str | None:
    """A Python of some version on this machine."""
    known = {"{}.{}".format(*sys.version_info): sys.executable}
    homes = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    known |= {home.name.rpartition(".")[0]: str(home / "bin/python") for home in homes.glob("3.*")}
    return known.get(version) or shutil.which(f"python{version}")


def tracked() -> set[str]:
    """The files of the packages and of the dbt project, as git lists them, new ones too."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *FOLDERS],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return {name for name in listed.stdout.splitlines() if (ROOT / name).exists()}


def test_the_wheel_holds_the_packages_and_nothing_else(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[0]) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert {re.sub(f"^{SHIPPED_MODELS}/", "dbt/", name) for name in names} == tracked()
    assert f"{SHIPPED_MODELS}/dbt_project.yml" in names
    for package in PACKAGES:
        assert f"{package}/py.typed" in names
    assert "exactonline_client/catalogue.json" in names


def test_the_source_distribution_builds_the_same(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[1]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {name for name in names if name.split("/")[0] in FOLDERS} == tracked()
    rest = {name for name in names if name.split("/")[0] not in FOLDERS}
    assert rest == {
        *("CHANGELOG.md", "LICENSE", "PKG-INFO", "README.md", "pyproject.toml", ".gitignore"),
    }


def test_no_program_runs_at_installation(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[0]) as wheel:
        assert not [name for name in wheel.namelist() if name.endswith((".pth", ".so", ".pyd"))]


def environment(folder: Path, wheel: Path, python: str) -> Path:
    """The programs of an environment that holds the wheel and what it needs, nothing else."""
    pins = ROOT / "requirements" / "plugins.txt"
    home = folder / "environment"
    for command in (
        [uv(), "venv", "--quiet", "--python", python, str(home)],
        [
            *(uv(), "pip", "install", "--quiet", "--python", str(home / "bin/python")),
            *("--constraint", str(pins), f"singer-exactonline @ {wheel.as_uri()}"),
        ],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
        assert done.returncode == 0, done.stderr
    return home / "bin"


def said(command: list[str | Path], folder: Path) -> tuple[int, str]:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


@contextmanager
def at_work(command: list[str | Path], folder: Path) -> Iterator[str]:
    """A program that serves a page, and the address that it says it is at."""
    program = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONUNBUFFERED": "1"},
    )
    assert program.stdout
    try:
        told = ""
        for line in program.stdout:
            told += line
            if found := re.search(r"http://127\.0\.0\.1:\S+", line):
                yield found[0]
                break
        else:
            pytest.fail(f"it ended: {told}")
    finally:
        program.terminate()
        program.communicate(timeout=20)


@pytest.mark.e2e
@pytest.mark.parametrize("version", VERSIONS)
def test_it_works_in_an_empty_environment(
    version: str, built: tuple[Path, Path], tmp_path: Path
) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"Python {version} is not on this machine.")
    programs = environment(tmp_path, built[0], python)
    code, text = said([programs / "tap-exactonline", "--version"], tmp_path)
    assert code == 0
    assert re.search(r"tap-exactonline v\d+\.\d+\.\d+, Meltano SDK v0\.54\.", text)
    code, text = said([programs / "target-exactonline", "--about"], tmp_path)
    assert code == 0
    assert "target-exactonline" in text
    code, text = said([programs / "python", "-c", PRESENT], tmp_path)
    assert (code, text) == (0, "[]\n")
    code, text = said([programs / "exactonline", "models", tmp_path / "models"], tmp_path)
    assert code == 0
    assert f"dbt build --project-dir {tmp_path / 'models'}" in text
    assert (tmp_path / "models" / "dbt_project.yml").is_file()
    command: list[str | Path]
    command = [programs / "exactonline", "connect", "--no-browser", "--port", "0"]
    with at_work(command, tmp_path) as address:
        page = requests.get(address, timeout=20)
    assert page.status_code == 200
    assert "Exact Online" in page.text
    command = [programs / "exactonline", "sandbox", "--port", "0", "--invoices", "1"]
    with at_work(command, tmp_path) as address:
        assert requests.get(f"{address}/sandbox/state", timeout=20).status_code == 200


CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-01-01\n"


@pytest.mark.parametrize(
    ("tag", "version", "problem"),
    [
        ("v1.2.3", "1.2.3", None),
        ("1.2.3", "1.2.3", "The tag is 1.2.3"),
        ("v1.2.3", "1.2.4", "pyproject.toml is 1.2.4"),
        ("v1.2.4", "1.2.4", "no heading for 1.2.4"),
    ],
)
def test_a_tag_is_the_version(tag: str, version: str, problem: str | None) -> None:
    found = complaint(tag, f'[project]\nversion = "{version}"\n', CHANGELOG)
    assert (found is None) if problem is None else problem in str(found)
