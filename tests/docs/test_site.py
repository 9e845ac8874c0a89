"""The documentation site: it builds, links lead somewhere, and pages say what is."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
from html.parser import HTMLParser
from importlib import metadata
from typing import TYPE_CHECKING

import click
import pytest
import yaml
from typing_extensions import override

from exactonline_client import catalogue, errors
from tests.built import ROOT

if TYPE_CHECKING:
    from pathlib import Path

DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
TEXTS = [*PAGES, ROOT / "README.md", ROOT / "hub" / "README.md"]
FENCE = re.compile(r"^( *)```\{?\.?(\w*)[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)


def page_id(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )
    assert done.returncode == 0, done.stderr
    return folder


class Loaded(HTMLParser):
    """The addresses that a browser fetches by itself when it shows a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in {"script", "img", "iframe"} and given.get("src"):
            self.found.append(str(given["src"]))
        if tag == "link" and given.get("rel") in {"stylesheet", "icon", "preconnect"}:
            self.found.append(str(given["href"]))


def test_the_site_builds_and_fetches_nothing_from_elsewhere(site: Path) -> None:
    pages = list(site.glob("*.html"))
    assert {page.stem for page in PAGES} <= {page.stem for page in pages}
    for page in pages:
        loaded = Loaded()
        loaded.feed(page.read_text(encoding="utf-8"))
        assert loaded.found
        assert not [address for address in loaded.found if "//" in address], page.name


def test_examples_stand_on_their_page(site: Path) -> None:
    text = (site / "many-companies.html").read_text(encoding="utf-8")
    assert "--8" not in text
    for word in ("BashOperator", "Definitions", "CronJob"):
        assert word in text


def test_every_page_says_what_it_is_about() -> None:
    for page in PAGES:
        assert page.read_text(encoding="utf-8").startswith("# "), page.name


@pytest.mark.parametrize("script", ["build_modules", "build_reference", "build_exit_codes"])
def test_tables_are_what_the_code_says(script: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"scripts.{script}", "--check"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr


def blocks(path: Path, *languages: str) -> list[str]:
    """The fenced blocks of a page in some languages, without what they are set in by."""
    found = FENCE.findall(path.read_text(encoding="utf-8"))
    return [
        re.sub(rf"^{indent}", "", text, flags=re.MULTILINE)
        for indent, language, text in found
        if language in languages
    ]


@pytest.mark.parametrize("path", TEXTS, ids=page_id)
def test_blocks_have_the_form_they_name(path: Path) -> None:
    for text in blocks(path, "yaml"):
        yaml.safe_load(text)
    for text in blocks(path, "python"):
        if not text.startswith("--8<--"):
            ast.parse(text)


def commands() -> list[str]:
    """Every line that a reader is told to type at one of our programs."""
    typed = re.compile(r"^\$ (exactonline .*)$", re.MULTILINE)
    return sorted(
        {line for path in TEXTS for text in blocks(path, "console") for line in typed.findall(text)}
    )


@pytest.mark.parametrize("line", commands())
def test_commands_are_those_of_the_program(line: str) -> None:
    (entry,) = metadata.entry_points(group="console_scripts", name="exactonline")
    command: click.Command = entry.load()
    words = shlex.split(re.split(r" [|<>&\\]", line)[0], comments=True)[1:]
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        name = words.pop(0)
        assert name in command.commands, f"there is no command {name}"
        command = command.commands[name]
    options = {option for item in command.params for option in item.opts + item.secondary_opts}
    for word in words:
        if word.startswith("--"):
            assert word.partition("=")[0] in options | {"--help"}, f"there is no option {word}"


def settings() -> set[str]:
    text = (DOCS / "settings.md").read_text(encoding="utf-8")
    return set(re.findall(r"^### `(\w+)`$", text, re.MULTILINE))


@pytest.mark.parametrize("path", TEXTS, ids=page_id)
def test_settings_that_are_set_are_settings(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    set_by_meltano = re.findall(r"meltano config set (?:tap|target)-exactonline ([a-z_]+)", text)
    variables = re.findall(r"\b(?:TAP|TARGET)_EXACTONLINE_([A-Z][A-Z_]+)", text)
    named = {*set_by_meltano, *(name.lower() for name in variables)} - {"_select", "name"}
    assert named <= settings()


def test_streams_on_the_right_of_the_moving_table_are_there() -> None:
    text = (DOCS / "move.md").read_text(encoding="utf-8")
    rows = re.search(r"^## Streams\n(.*?)^For any other", text, re.MULTILINE | re.DOTALL)
    assert rows
    known = set(catalogue.load().streams)
    for there, here in re.findall(r"^\| (`.*?) \|.*\| (.*?) \|$", rows[1], re.MULTILINE):
        named = re.findall(r"`(\w+)`", there if here == "the same" else here)
        assert named
        assert set(named) - {"IsSupplier"} <= known


def test_every_error_has_its_exit_code_on_the_page() -> None:
    text = (DOCS / "errors.md").read_text(encoding="utf-8")
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)}
    codes = {
        kind.exit_code
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.ExactOnlineError)
    }
    assert codes <= documented
    told = re.findall(r"exit code \**(\d+)", " ".join(page.read_text("utf-8") for page in PAGES))
    assert {int(code) for code in told} <= documented
