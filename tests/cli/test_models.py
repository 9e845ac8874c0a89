"""`exactonline models`: the dbt project, copied."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

from tests.built import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_the_whole_project_is_copied(command: Callable[..., Result], tmp_path: Path) -> None:
    done = command("models", str(tmp_path / "new" / "books"))
    assert done.exit_code == 0, done.output
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", "."],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT / "dbt",
    )
    assert files(tmp_path / "new" / "books") == set(listed.stdout.split())
    assert f"dbt build --project-dir {tmp_path / 'new' / 'books'}" in done.output


def test_json_says_where_it_is(command: Callable[..., Result], tmp_path: Path) -> None:
    done = command("models", str(tmp_path / "books"), "--json")
    assert json.loads(done.stdout) == {"path": str(tmp_path / "books")}


def test_nothing_is_overwritten(command: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "mine.sql").write_text("select 1", encoding="utf-8")
    done = command("models", str(tmp_path / "books"))
    assert done.exit_code == 2
    assert "is not empty. Name a new folder" in done.output
    assert files(tmp_path / "books") == {"mine.sql"}
    done = command("models", str(tmp_path / "books" / "mine.sql"))
    assert done.exit_code == 2
