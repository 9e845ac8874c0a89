"""Requests to stop (Ctrl-C, SIGTERM): seen between two steps, never in the middle of one."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

TICK = 0.2
"""Seconds after which a wait looks whether it is to end."""
KILLED = 128
"""The exit code of a program that a signal ended at once, less the number of the signal."""
INTERRUPTED = KILLED + signal.SIGINT
"""The exit code of a command that Ctrl-C ended before it was done."""


class Stop:
    """Whether a run was asked to stop.

    A signal handler may interrupt any line of the main thread, so it does no more than set a flag.
    """

    def __init__(self) -> None:
        """Nobody has asked yet."""
        self.signals: set[int] = set()
        """The signals that came."""
        self._is_waiting = False

    def ask(self, signum: int) -> None:
        """Take a signal. The same one again ends the program at once, with nothing more written.

        Raises:
            SystemExit: the main thread does nothing but wait.
        """
        if signum in self.signals:
            os._exit(KILLED + signum)
        self.signals.add(signum)
        if self._is_waiting:
            raise SystemExit(0)

    def check(self) -> None:
        """Go on only if nobody has asked to stop.

        Raises:
            SystemExit: somebody has.
        """
        if self.signals:
            raise SystemExit(0)

    def sleep(self, seconds: float) -> None:
        """Sleep in the main thread.

        Raises:
            SystemExit: the run was asked to stop.
        """
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.check()
            time.sleep(min(left, TICK))
        self.check()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """While this lasts, the main thread does nothing that must not be left in the middle.

        Raises:
            SystemExit: the run was asked to stop.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        try:
            self._is_waiting = True
            self.check()
            yield
        finally:
            self._is_waiting = False

    @contextmanager
    def ending_as_stopped(self) -> Iterator[None]:
        """Let the block end with the exit code of a program that a signal ended, where one came.

        Raises:
            SystemExit: with that code, unless it ended with another one.
        """
        try:
            yield
        except SystemExit as end:
            if self.signals and not end.code:
                raise SystemExit(KILLED + max(self.signals)) from None
            raise


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold back Ctrl-C until the block is done; a second one ends it at once.

    Only where Ctrl-C raises KeyboardInterrupt: programs with a `Stop` are never interrupted.

    Raises:
        KeyboardInterrupt: behind the block, where Ctrl-C was pressed.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    former = signal.getsignal(signal.SIGINT)
    if not in_main_thread or former is not signal.default_int_handler:
        yield
        return
    came: list[int] = []

    def hold(signum: int, _: object) -> None:
        came.append(signum)
        signal.signal(signal.SIGINT, former)

    signal.signal(signal.SIGINT, hold)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)
    if came:
        raise KeyboardInterrupt
