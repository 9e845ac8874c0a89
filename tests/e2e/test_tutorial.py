"""The tutorial, followed command by command, from the source as it is, without Meltano Hub."""

from __future__ import annotations

import csv
import json
import re
import socket
import sys
from typing import TYPE_CHECKING

import pytest

from tests import pages
from tests.built import ROOT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(700)]

PAGE = "docs/tutorial.md"
TEXT = (ROOT / PAGE).read_text(encoding="utf-8")
INSTALL = "pip install 'meltano~=4.4' ."
READY = {INSTALL, "source ../try-exact/.venv/bin/activate"}
"""Not run: the environment is there already, with Meltano and the project itself."""
PORT = "8642"
NO_HUB = "http://127.0.0.1:1"
FIRST_ROWS, FIRST_INVOICE = "head -n 3 output/sales_invoices.csv", "exactonline results"


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
    source = pages.source(folder / "source")
    environment = pages.environment(NO_HUB, pages.pins(folder / "pins.txt"))
    # The environment of the tests has an editable installation, not one of this folder.
    environment["SINGER_EXACTONLINE_URL"] = f"file://{source}"
    code, said = pages.followed(program, environment, cwd=source)
    assert code == 0, said[-4000:]
    return said


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8") as text:
        return list(csv.DictReader(text))


def test_it_can_be_followed_to_its_end(output: str) -> None:
    assert ">>> kill" in output
    assert "Traceback" not in output


def test_the_first_rows_take_eight_commands_and_the_first_invoice_three_more() -> None:
    typed = [
        command for block in pages.blocks(PAGE) if not block.file for command in block.commands()
    ]
    rows, invoice = typed.index(FIRST_ROWS) + 1, typed.index(FIRST_INVOICE) + 1
    assert (rows, invoice - rows) == (8, 3)
    assert "The first rows take eight commands, the first invoice three more." in " ".join(
        TEXT.split()
    )
    assert not [command for command in typed[:invoice] if re.search(r"[;|\n]|&.", command)]


def test_the_first_invoice_is_created(output: str) -> None:
    said = output.partition(f">>> {FIRST_INVOICE}\n")[2].partition(pages.MARK)[0]
    assert "1 created." in said


def test_a_configuration_can_be_tested(output: str) -> None:
    assert "Plugin configuration is valid" in output
    assert "can be opened. Nothing was written." in output


def test_the_second_run_fetches_only_what_changed(output: str, folder: Path) -> None:
    first, second = (int(count) for count in re.findall(r"\d schemas, (\d+) records", output)[:2])
    found = [
        row
        for name in ("sales_invoices", "sales_invoice_lines")
        for row in rows(folder / "try-exact" / "output" / f"{name}.csv")
    ]
    assert first > 1000
    assert 0 < second < 60
    assert any(not row["Modified"] for row in found), "no deleted row"
    assert output.count(": 10 API calls") == 2


def test_meltano_finds_nothing_to_warn_of_in_the_project(output: str) -> None:
    assert "DeprecationWarning" not in output


def test_the_invoice_is_created_once(output: str, folder: Path) -> None:
    assert output
    file = folder / "try-exact" / "results.jsonl"
    results = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert [result["outcome"] for result in results] == ["created", "unchanged"]
    assert {result["reference"] for result in results} == {"TUTORIAL-1"}


def test_the_packages_named_are_those_of_the_project() -> None:
    assert all(f"$ {command}\n" in TEXT for command in READY)
    assert '"meltano~=4.4"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert sys.version_info >= (3, 10)
