"""A sign-in that git would take along is told of."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.cli.test_commands import sign_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    from exactonline_sandbox import Server
    from tests.cli.conftest import Page

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="There is no git.")


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.fixture
def project(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet")
    return tmp_path


@pytest.mark.usefixtures("project")
def test_what_is_made_here_is_ignored(
    server: Server, store_url: str, command: Callable[..., Result], tmp_path: Path
) -> None:
    sign_in(server, store_url)
    result = command("status")
    assert result.stderr == ""
    git(tmp_path, "add", ".")
    assert "store" not in git(tmp_path, "ls-files")


@pytest.mark.usefixtures("project")
def test_what_is_tracked_all_the_same_is_told(
    server: Server, store_url: str, command: Callable[..., Result], tmp_path: Path
) -> None:
    sign_in(server, store_url)
    git(tmp_path, "add", "--force", "store")
    result = command("status", "--json")
    assert result.exit_code == 0
    assert "Git does not ignore store.db, store.key in" in result.stderr
    assert "git rm -r --cached" in result.stderr


def test_the_page_tells_it_as_well(
    open_page: Callable[..., Page], server: Server, project: Path
) -> None:
    (project / "store").mkdir(mode=0o700)
    page = open_page().enter()
    page.to_divisions(server)
    page.send("/divisions", which="all")
    assert page.title == "Connected"
    assert "Git does not ignore store.db, store.key" in page.text


def test_outside_of_git_nothing_is_told(
    server: Server, store_url: str, command: Callable[..., Result]
) -> None:
    sign_in(server, store_url)
    assert command("status").stderr == ""
