"""The tutorial, followed command by command, with the wheel and the Hub files as they are."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from tests.built import ROOT, build
from tests.e2e.hub import serving

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

TEXT = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
BLOCK = re.compile(
    r'^```(console|python title="(?P<file>[^"]+)")\n(?P<text>.*?)^```', re.MULTILINE | re.DOTALL
)
# The environment is there already, with Meltano and the project itself.
INSTALLED = re.compile(r"python3 -m venv|source |pip install ")
PORT = "8642"


def script(port: int) -> str:
    """All that the reader types, as one shell program that names each command before it."""
    lines = ["set -euo pipefail"]
    for block in BLOCK.finditer(TEXT):
        text = block["text"].replace(PORT, str(port))
        if block["file"]:
            lines.append(f"cat > {block['file']} <<'END-OF-FILE'\n{text}END-OF-FILE")
            continue
        for line in text.splitlines():
            assert line.startswith("$ "), f"not a command: {line}"
            command = line.removeprefix("$ ")
            if not INSTALLED.match(command):
                lines += [f"echo {shlex.quote(f'>>> {command[:60]}')}", command]
    return "\n".join([*lines, ""])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tutorial")


@pytest.fixture(scope="module")
def output(folder: Path) -> str:
    """Follow the tutorial to its end; what the commands printed."""
    shutil.copytree(ROOT / "hub", folder / "hub")
    wheels = folder / "wheels"
    wheels.mkdir()
    build(wheels)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with serving() as hub:
        environment = {
            **{name: text for name, text in os.environ.items() if name != "VIRTUAL_ENV"},
            "PATH": os.pathsep.join([str(ROOT / ".venv-demo" / "bin"), os.environ["PATH"]]),
            "MELTANO_HUB_API_ROOT": hub,
            "MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false",
            "NO_COLOR": "1",
            "UV_FIND_LINKS": str(wheels),
            "UV_CONSTRAINT": str(ROOT / "requirements" / "plugins.txt"),
        }
        program = folder / "tutorial.sh"
        program.write_text(script(port), encoding="utf-8")
        code, said = followed(program, environment)
    assert code == 0, said[-4000:]
    return said


def followed(program: Path, environment: dict[str, str]) -> tuple[int, str]:
    """Run a program in its folder, for four minutes at most, and end all that it has started."""
    log = program.with_suffix(".log")
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(
            ["bash", program.name],
            cwd=program.parent,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = process.wait(240)
        except subprocess.TimeoutExpired:
            code = -1
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)
    return code, log.read_text(encoding="utf-8")


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
    invoices = rows(folder / "books" / "output" / "sales_invoices.csv")
    lines = rows(folder / "books" / "output" / "sales_invoice_lines.csv")
    assert totals[0] > 500
    assert 0 < len(invoices) + len(lines) < 60
    assert any(not row["OrderedBy"] for row in invoices), "no deleted invoice"
    assert output.count("4 API calls") >= 1


def test_the_invoice_is_created_once(output: str, folder: Path) -> None:
    assert output
    file = folder / "books" / "results.jsonl"
    results = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert [result["outcome"] for result in results] == ["created", "unchanged"]
    assert {result["reference"] for result in results} == {"TUTORIAL-1"}


def test_meltano_knows_what_the_hub_files_say(output: str, folder: Path) -> None:
    assert output
    file = yaml.safe_load((folder / "books" / "meltano.yml").read_text(encoding="utf-8"))
    for kind, name in (("extractors", "tap-exactonline"), ("loaders", "target-exactonline")):
        ours = yaml.safe_load((ROOT / "hub" / f"{name}.yml").read_text(encoding="utf-8"))
        entry = next(item for item in file["plugins"][kind] if item["name"] == name)
        assert entry["pip_url"] == "singer-exactonline"
        assert {each["name"] for each in entry["settings"]} == {
            each["name"] for each in ours["settings"]
        }
        command = Path("books/.meltano", kind, name, "venv/bin", name)
        assert (folder / command).exists()


def test_the_packages_named_are_those_of_the_project() -> None:
    (install,) = re.findall(r"\$ pip install (.*)", TEXT)
    assert install.split() == ["'meltano~=4.4'", "singer-exactonline"]
    assert '"meltano~=4.4"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert sys.version_info >= (3, 10)
