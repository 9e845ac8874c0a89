"""Ctrl-C of the demo and its like: one line, code 130, and nothing left running or deleted."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped]
import pytest

from demo.stack import Failed, running

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).parents[2]
SAID = "Stopped. Nothing that was started is left running.\n"

# Runs a program as the demo runs Meltano; that one starts another and waits.
CHILDREN = """
    import os, sys
    from demo import ending, stack

    inner = "import time; print('up', flush=True); time.sleep(99)"
    outer = (
        "import subprocess, sys, time; "
        f"process = subprocess.Popen([sys.executable, '-c', {inner!r}], stdout=subprocess.PIPE); "
        "process.stdout.readline(); open(sys.argv[1], 'w').close(); time.sleep(99)"
    )
    ending.run(lambda: stack.run([sys.executable, "-c", outer, sys.argv[1]], os.environ))
"""
# Starts the sandbox and PostgreSQL of the demo, and waits.
WHOLE = """
    import sys, time
    from pathlib import Path
    from demo import ending, stack

    def main():
        with stack.running(Path(sys.argv[1]).parent / "stack", ["--invoices", "2"]):
            Path(sys.argv[1]).touch()
            time.sleep(99)

    ending.run(main)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the user whom PostgreSQL runs as can get to."""
    with TemporaryDirectory() as made:
        yield Path(made)


@pytest.fixture(params=[CHILDREN, WHOLE], ids=["programs", "sandbox and PostgreSQL"])
def program(request: pytest.FixtureRequest, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A program that has started what it starts."""
    ready = folder / "ready"
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(request.param), str(ready)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stderr is not None
        while not ready.exists():
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.05)
        yield process
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_all_that_was_started_ends(
    number: signal.Signals, program: subprocess.Popen[str], folder: Path
) -> None:
    started = psutil.Process(program.pid).children(recursive=True)
    server = folder / "stack" / "postgres" / "postmaster.pid"
    if server.exists():
        started.append(psutil.Process(int(server.read_text().splitlines()[0])))
    assert len(started) >= 2
    program.send_signal(number)
    _, said = program.communicate(timeout=60)
    assert program.returncode == 128 + number
    assert said == SAID
    _, left = psutil.wait_procs(started, timeout=10)
    assert not [process for process in left if process.status() != psutil.STATUS_ZOMBIE]


def test_a_folder_of_others_is_not_deleted(tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    with pytest.raises(Failed, match="no demo has made it"), running(tmp_path):
        pass
    assert (tmp_path / "precious").exists()
