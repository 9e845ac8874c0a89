"""The one command that runs all stress programs."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stress.__main__ import PROGRAMS, carry_out, listing, parser
from tests.stress.program import Program

pytestmark = [pytest.mark.stress, pytest.mark.timeout(400)]
ROOT = Path(__file__).parent.parent.parent
NAMES = [program.name for program in PROGRAMS]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.stress", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )


def test_it_lists_every_program() -> None:
    assert [line.split()[0] for line in listing().splitlines()] == NAMES
    assert run("--list").stdout == f"{listing()}\n"


@pytest.mark.parametrize("name", NAMES)
def test_every_program_has_a_seed_and_defaults(name: str) -> None:
    given = parser().parse_args([name])
    assert given.program.name == name
    assert given.seed == 1
    assert parser().parse_args([name, "--seed", "7"]).seed == 7


def test_make_prove_runs_every_program() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = re.search(r"^STRESS := ((?:.*\\\n)*.*)", makefile, re.MULTILINE)
    assert named
    apart = re.findall(r"-m tests\.stress ([\w-]+)", makefile)
    assert sorted([*apart, *named[1].replace("\\", " ").split()]) == sorted(NAMES)


def test_a_program_runs_by_its_name() -> None:
    done = run("fuzz", "--number", "1", "--seed", "3")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^fuzz, seed 3: 0 wrong, \d+ s\nHELD$", done.stdout, re.MULTILINE)


def test_what_is_wrong_is_printed_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    broken = Program("broken", "Does it hold?", lambda _: ["an invoice is there twice"])
    assert carry_out(broken, argparse.Namespace(seed=1)) == 1
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first == "wrong: an invoice is there twice"
    assert last == "BROKEN"
