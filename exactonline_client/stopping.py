"""Graceful shutdown on Ctrl-C and SIGTERM: between two steps, never within one."""

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
"""Seconds between two checks for a signal during a wait."""
KILLED = 128
"""Exit code of a program ended by a signal, minus the signal number."""
INTERRUPTED = KILLED + signal.SIGINT
"""Exit code of a command ended by Ctrl-C."""


class Stopped(SystemExit):
    """The run was stopped by a signal, and has logged its summary."""


class Stop:
    """Collects signals that ask a run to stop.

    A signal handler can interrupt the main thread at any line, so it only sets a flag.
    """

    def __init__(self) -> None:
        """Start without a signal."""
        self.signals: set[int] = set()
        """Numbers of the signals received."""
        self._is_waiting = False

    def ask(self, signum: int) -> None:
        """Handle a signal; the second of the same number ends the process at once.

        Raises:
            SystemExit: the main thread is in `waiting`.
        """
        if signum in self.signals:
            os._exit(KILLED + signum)
        self.signals.add(signum)
        if self._is_waiting:
            raise SystemExit(0)

    def check(self) -> None:
        """Check for a signal.

        Raises:
            SystemExit: a signal was received.
        """
        if self.signals:
            raise SystemExit(0)

    def sleep(self, seconds: float) -> None:
        """Sleep, interruptible by a signal.

        Raises:
            SystemExit: a signal was received.
        """
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.check()
            time.sleep(min(left, TICK))
        self.check()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Let a signal end the block at once: the main thread only waits in it.

        Raises:
            SystemExit: a signal was received.
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
        """Exit with 128 + signal number if a signal ended the block.

        Raises:
            SystemExit: with that code, unless the block ends with another one.
        """
        try:
            yield
        except SystemExit as end:
            if self.signals and not end.code:
                raise SystemExit(KILLED + max(self.signals)) from None
            raise


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Defer Ctrl-C to the end of the block; a second one interrupts it.

    Only if Ctrl-C raises KeyboardInterrupt: a program with a `Stop` handles its signals itself.

    Raises:
        KeyboardInterrupt: after the block, if Ctrl-C was pressed.
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
