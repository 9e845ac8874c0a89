"""The tutorial, followed command by command, with the source and the Hub files as they are."""

from __future__ import annotations

import csv
import json
import re
import socket
import sys
from pathlib import Path

import pytest
import yaml

from tests import pages
from tests.built import ROOT
from tests.e2e.hub import serving

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(700)]

PAGE = "docs/tutorial.md"
TEXT = (ROOT / PAGE).read_text(encoding="utf-8")
INSTALL = "pip install 'meltano~=4.4' ."
READY = {INSTALL, "source ../try-exact/.venv/bin/activate"}
"""Not run: the environment is there already, with Meltano and the project itself."""
PORT = "8642"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tutorial")


@pytest.fixture(scope="module")
def output(folder: Path) -> str:
    """Follow the tutorial to its end; what the commands printed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = folder / "tutorial.sh"
    text = pages.program(pages.blocks(PAGE), without=READY)
    program.write_text(text.replace(PORT, str(port)), encoding="utf-8")
    with serving() as hub:
        environment = pages.environment(hub, pages.pins(folder / "pins.txt"))
        code, said = pages.followed(program, environment, cwd=pages.source(folder / "source"))
    assert code == 0, said[-4000:]
    return said


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8") as text:
        return list(csv.DictReader(text))


def test_it_can_be_followed_to_its_end(output: str) -> None:
    assert ">>> kill" in output
    assert "Traceback" not in output


def test_a_configuration_can_be_tested(output: str) -> None:
    assert "Plugin configuration is valid" in output
    assert "can be opened. Nothing was written." in output


def test_the_second_run_fetches_only_what_changed(output: str, folder: Path) -> None:
    totals = [int(count) for count in re.findall(r"^ *(\d+) total$", output, re.MULTILINE)]
    invoices = rows(folder / "try-exact" / "books" / "output" / "sales_invoices.csv")
    lines = rows(folder / "try-exact" / "books" / "output" / "sales_invoice_lines.csv")
    assert totals[0] > 500
    assert 0 < len(invoices) + len(lines) < 60
    assert any(not row["OrderedBy"] for row in invoices), "no deleted invoice"
    assert output.count("4 API calls") >= 1


def test_the_invoice_is_created_once(output: str, folder: Path) -> None:
    assert output
    file = folder / "try-exact" / "books" / "results.jsonl"
    results = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert [result["outcome"] for result in results] == ["created", "unchanged"]
    assert {result["reference"] for result in results} == {"TUTORIAL-1"}


def test_meltano_knows_what_the_hub_files_say(output: str, folder: Path) -> None:
    assert output
    project = folder / "try-exact" / "books" / "meltano.yml"
    file = yaml.safe_load(project.read_text(encoding="utf-8"))
    for kind, name in (("extractors", "tap-exactonline"), ("loaders", "target-exactonline")):
        ours = yaml.safe_load((ROOT / "hub" / f"{name}.yml").read_text(encoding="utf-8"))
        entry = next(item for item in file["plugins"][kind] if item["name"] == name)
        assert entry["pip_url"] == ours["pip_url"]
        assert {each["name"] for each in entry["settings"]} == {
            each["name"] for each in ours["settings"]
        }
        command = Path("books/.meltano", kind, name, "venv/bin", name)
        assert (folder / "try-exact" / command).exists()


def test_the_packages_named_are_those_of_the_project() -> None:
    assert all(f"$ {command}\n" in TEXT for command in READY)
    assert '"meltano~=4.4"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert sys.version_info >= (3, 10)
