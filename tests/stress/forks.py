"""Programs of this project that start in a moment: forked from a process that has imported them.

Each is a process of its own, which can be killed and paused, and goes by a clock of its own.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import IO, TYPE_CHECKING, Any, NoReturn

from typing_extensions import Self

from tests.stress.clock import MovedClock
from tests.stress.moved import PROGRAMS

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

TIMEOUT = 300.0
"""Seconds after which a program hangs, and is killed."""
IMPORTED = ("exactonline_cli.main", "tap_exactonline.tap", "target_exactonline.target")
"""What the programs import when they start."""


@dataclass
class Fork:
    """A program that was started."""

    forks: Forks
    pid: int
    files: Path
    """Its input, its output and what it said, but for their endings."""

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal; nothing where it has ended."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it as `kill -9` does."""
        self.signal(signal.SIGKILL)

    def wait(self) -> int:
        """Its exit code; that of a signal is negative."""
        timer = threading.Timer(TIMEOUT, self.kill)
        timer.start()
        try:
            return int(self.forks.ask({"wait": self.pid})["code"])
        finally:
            timer.cancel()


class Forks:
    """The process that programs are forked from."""

    def __init__(self) -> None:
        """Start it."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.stress.forks"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def __enter__(self) -> Self:
        """Nothing more."""
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _where: TracebackType | None,
    ) -> None:
        """End it."""
        self._process.communicate()

    def start(self, clock: MovedClock, program: str, *arguments: str, files: Path) -> Fork:
        """Start a program; it reads `FILES.in`, and writes `FILES.out` and `FILES.said`."""
        asked = {"clock": clock.dumps(), "command": [program, *arguments], "files": str(files)}
        return Fork(self, int(self.ask(asked)["pid"]), files)

    def ask(self, what: dict[str, Any]) -> dict[str, Any]:
        """Have something done by the process."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(what).encode() + b"\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


class _Clock:
    """The clock of this process, which is set when it is known."""

    moved = MovedClock(time.time(), time.time())

    def __call__(self) -> float:
        return self.moved()

    def sleep(self, seconds: float) -> None:
        self.moved.sleep(seconds)


def main() -> None:
    """Do what is asked on standard input, until there is nothing more."""
    clock = _Clock()
    # Before the programs are imported: defaults such as `clock=time.time` are taken then.
    vars(time).update(time=clock, sleep=clock.sleep)
    for module in (*PROGRAMS.values(), *IMPORTED):
        import_module(module)
    commands, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    for line in commands:
        what = json.loads(line)
        if "wait" in what:
            _, status = os.waitpid(what["wait"], 0)
            answer = {"code": os.waitstatus_to_exitcode(status)}
        else:
            child = os.fork()
            if not child:
                clock.moved = MovedClock.loads(what["clock"])
                _become(what["command"], what["files"], (commands, answers))
            answer = {"pid": child}
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()


def _become(command: list[str], files: str, inherited: tuple[IO[bytes], IO[bytes]]) -> NoReturn:
    """Run a program in this process, to its end and that of the process."""
    code: object = 1
    try:
        for file in inherited:
            os.close(file.fileno())
        write = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        for number, (end, how) in enumerate((("in", os.O_RDONLY), ("out", write), ("said", write))):
            os.dup2(os.open(f"{files}.{end}", how, 0o600), number)
        random.seed()
        sys.argv = command
        import_module(PROGRAMS[command[0]]).main()
        code = 0
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001 - what Python does where nobody catches it
        traceback.print_exc()
    if isinstance(code, str):
        sys.stderr.write(f"{code}\n")
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    main()
