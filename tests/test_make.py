"""What `make` deletes: never a sign-in or a journal without asking."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

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
