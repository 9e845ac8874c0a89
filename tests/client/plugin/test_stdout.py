"""Standard output that cannot be written: one line and a code, from every program."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FULL = Path("/dev/full")
PROGRAMS = [
    ["tap-exactonline", "--discover"],
    ["tap-exactonline", "--about", "--format=json"],
    ["target-exactonline", "--about", "--format=json"],
    ["exactonline", "--help"],
    ["exactonline", "plan", "--help"],
]


@pytest.mark.skipif(not FULL.exists(), reason="there is no full disk here")
@pytest.mark.parametrize("command", PROGRAMS, ids=" ".join)
def test_a_full_disk_is_told_in_one_line(command: list[str]) -> None:
    program = Path(sys.executable).with_name(command[0])
    with FULL.open("wb") as full:
        ended = subprocess.run(
            [program, *command[1:]], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert ended.returncode == 1
    assert "Standard output cannot be written (No space left on device)" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_reader_that_has_gone_is_no_trace() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    program = Path(sys.executable).with_name("tap-exactonline")
    ended = subprocess.run(
        [program, "--discover"], stdout=writing, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writing)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert "Exception ignored" not in ended.stderr
