"""How programs of this repository end on Ctrl-C: one line, a code, and nothing left running."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

import psutil  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
"""Ctrl-C, a request to end, and a terminal that is closed; not every system has all."""
PATIENCE = 10.0
"""Seconds that a program which was started here has to end by itself."""


class _Asked(SystemExit):
    """Raised by the first signal, so that the program cleans up on its way out."""


class _Ending:
    """What is running at the moment of the first signal; a second one ends all at once."""

    def __init__(self) -> None:
        self.started: list[psutil.Process] | None = None

    def ask(self, number: int, _frame: FrameType | None) -> None:
        code = 128 + number
        if self.started is not None:
            _each(self.started, psutil.Process.kill)
            os._exit(code)
        # Once a program has ended, those that it has started are nobody's.
        self.started = psutil.Process().children(recursive=True)
        _each(self.started, psutil.Process.terminate)
        raise _Asked(code)


def run(main: Callable[[], int | None]) -> NoReturn:
    """Run a program to its end, or until it is asked to end."""
    ending = _Ending()
    for name in SIGNALS:
        with suppress(AttributeError):
            signal.signal(getattr(signal, name), ending.ask)
    try:
        code = main()
    except _Asked as asked:
        _, left = psutil.wait_procs(ending.started or [], timeout=PATIENCE)
        _each(left, psutil.Process.kill)
        print("Stopped. Nothing that was started is left running.", file=sys.stderr)
        sys.exit(asked.code)
    sys.exit(code)


def _each(processes: list[psutil.Process], do: Callable[[psutil.Process], None]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            do(process)
