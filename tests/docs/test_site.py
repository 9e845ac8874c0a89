"""The documentation site: it builds, links lead somewhere, and pages say what is."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import click
import pytest
import yaml
from typing_extensions import override

from exactonline_cli.main import main as exactonline
from exactonline_client import catalogue, errors
from exactonline_client.plugin.settings import SHARED
from exactonline_client.stopping import KILLED
from exactonline_client.store import postings
from exactonline_client.store.outcomes import STORED, WOULD
from tap_exactonline.streams import posting_results
from tests.built import ROOT

if TYPE_CHECKING:
    from pathlib import Path

DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
TEXTS = [*PAGES, ROOT / "README.md", ROOT / "hub" / "README.md"]
FENCE = re.compile(r"^( *)```\{?\.?(\w*)[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)


def page_id(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


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


@pytest.mark.parametrize(
    ("word", "page"),
    [
        ("excel", "finance.html"),
        ("excel", "spreadsheets.html"),
        ("unpaid", "finance.html"),
        ("unpaid", "models.html"),
        ("unpaid", "report.html"),
        ("decimal", "spreadsheets.html"),
        ("decimal", "settings.html"),
        ("decimal", "finance.html"),
        ("dashboard", "finance.html"),
        ("dashboard", "look-after.html"),
    ],
)
def test_the_search_has_the_words_that_users_look_for(site: Path, word: str, page: str) -> None:
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    found = {
        entry["location"].partition("#")[0]
        for entry in index["docs"]
        if word in f"{entry['title']} {entry['text']}".lower()
    }
    assert page in found


def test_pages_for_users_come_before_those_for_developers() -> None:
    (nav,) = re.findall(
        r"^nav:\n(.*)", (ROOT / "mkdocs.yml").read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    groups = [next(iter(group)) for group in yaml.safe_load(nav)]
    assert groups == ["Start", "Do", "Look up", "Why", "For developers"]
    start = yaml.safe_load(nav)[0]["Start"]
    assert start[:3] == ["index.md", "finance.md", "tutorial.md"]


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("many-companies", ("BashOperator", "Definitions", "CronJob")),
        ("library", ("CUSTOMER", "closing")),
        ("unified", ("__alias__",)),
    ],
)
def test_examples_stand_on_their_page(site: Path, page: str, words: tuple[str, ...]) -> None:
    text = (site / f"{page}.html").read_text(encoding="utf-8")
    assert "--8" not in text
    for word in words:
        assert word in text


@pytest.mark.parametrize("path", TEXTS, ids=page_id)
def test_an_example_is_included_as_the_site_knows_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.findall("^ *--8.*", text, re.MULTILINE) == re.findall(
        '^ *--8<-- "[a-z_]+[.](?:py|yml)"$', text, re.MULTILINE
    )


def test_every_page_says_what_it_is_about() -> None:
    for page in PAGES:
        assert page.read_text(encoding="utf-8").startswith("# "), page.name


@pytest.mark.parametrize("page", ["drawing", "errors", "modules", "settings", "streams"])
def test_generated_pages_are_what_the_code_says(page: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scripts", page, "--check"],
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
    command: click.Command = exactonline
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


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("2", "Setting compare_keys: there is no stream ...."),
        ("2", "Setting custom_streams[...].parameters: ... takes none. Use filter instead."),
        ("3", "Sign in again: exactonline connect, or a new refresh token in the setting"),
        ("8", "The key file ... is damaged. Put its copy back if you have one;"),
        ("warning", "Division ... is not read any further: ..."),
    ],
)
def test_messages_are_on_the_page_with_their_codes(code: str, message: str) -> None:
    found = {text for first, text in table("errors.md", "All messages") if first == code}
    assert any(message in text for text in found)
    assert len(found) > 3


def table(page: str, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, without its head."""
    text = (DOCS / page).read_text(encoding="utf-8")
    below = text.partition(f"# {heading}\n")[2].partition("\n#")[0]
    lines = re.search(r"(?:^\|.*\n)+", below, re.MULTILINE)
    assert lines, f"no table below {heading!r} in {page}"
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in lines[0].splitlines()[2:]
    ]


def named(cells: list[list[str]]) -> set[str]:
    """What stands as code in the first column."""
    return {name for first, *_ in cells for name in re.findall(r"`(\w+)`", first)}


def test_the_outcomes_on_the_page_are_those_of_the_target() -> None:
    assert named(table("errors.md", "Outcomes")) == {*STORED, *WOULD.values()}


def test_outcomes_are_explained_once() -> None:
    for page in PAGES:
        rows = re.findall(r"^\| (`\w+`) \|", page.read_text(encoding="utf-8"), re.MULTILINE)
        outcomes = {"`created`", "`unchanged`", "`in_doubt`", "`rejected`"} & set(rows)
        assert not outcomes or page.name == "errors.md", page.name


def test_the_columns_of_posting_results_are_those_of_the_stream() -> None:
    rows = table("warehouse.md", "What became of written documents")
    assert named(rows) == set(posting_results.SCHEMA["properties"])
    (states,) = (meaning for name, meaning in rows if name == "`finalized`")
    assert set(re.findall(r"`(\w+)`", states)) == {*postings.FINALIZED}


def test_a_scheduler_is_told_of_every_exit_code_that_a_run_can_have() -> None:
    rows = table("look-after.md", "What the exit code means")
    told = {int(code) for first, *_ in rows for code in re.findall(r"\d+", first)}
    of_status = 9
    assert told == {*errors.EXIT_CODES, KILLED} - {of_status}


def test_codes_of_signals_are_those_of_the_programs() -> None:
    ended = {str(KILLED + number) for number in (signal.SIGINT, signal.SIGTERM)}
    for page in ("errors.md", "look-after.md"):
        text = (DOCS / page).read_text(encoding="utf-8").partition("## All messages")[0]
        assert set(re.findall(r"\b(1[2-5]\d)\b", text)) - {str(KILLED)} == ended, page


def test_what_a_change_of_settings_leads_to_is_said_of_settings_that_there_are() -> None:
    rows = table("look-after.md", "After a change of settings")
    assert named(rows) - {"content"} <= settings()


def test_every_stop_for_a_limit_is_on_the_page() -> None:
    text = (DOCS / "errors.md").read_text(encoding="utf-8")
    limits = text.partition("## Limits")[2]
    for value in SHARED["on_daily_limit"]["enum"]:
        assert f"`{value}`" in limits


@pytest.mark.parametrize(
    ("tap", "target", "code"), [(0, 0, 0), (7, 0, 7), (0, 5, 5), (7, 5, 7), (1, 8, 1)]
)
def test_the_pipe_on_the_page_keeps_the_state_and_the_code_that_counts(
    tap: int, target: int, code: int, tmp_path: Path
) -> None:
    (script,) = blocks(DOCS / "look-after.md", "bash")
    for name, text in {
        "tap-exactonline": f"echo '{{}}'\nexit {tap}",
        "target-postgres": f"cat > /dev/null\necho first\necho last\nexit {target}",
    }.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    path = os.pathsep.join([str(tmp_path), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        capture_output=True,
        check=False,
    )
    assert done.returncode == code
    assert (tmp_path / "state.json").read_text(encoding="utf-8") == "last\n"


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "hub/README.md"])
def test_links_from_outside_the_site_lead_somewhere(name: str) -> None:
    page = ROOT / name
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        path, _, anchor = link.partition("#")
        if path.startswith("https://"):
            continue
        target = (page.parent / path).resolve()
        assert target.exists(), link
        if anchor:
            heads = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            found = {re.sub(r"[^a-z0-9 _-]", "", head.lower()).replace(" ", "-") for head in heads}
            assert anchor in found, link
