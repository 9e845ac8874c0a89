"""Generators that run side by side, each in a thread, for one thread that takes what they give.

What comes out of one generator comes in its order, and a generator runs ahead of the taker by no
more than it is given room for.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Key = TypeVar("Key")
Item = TypeVar("Item")

AHEAD = 1
"""What one generator may give before it is taken; one more is in its hands by then."""
TICK = 0.5
"""Seconds without news after which the taker is told that there are none."""
PATIENCE = 15.0
"""Seconds that a thread is waited for at the end: longer than the waits between tries of a call.
Threads are daemons: one whose call hangs does not keep the program alive."""

_own = threading.local()


class Stopped(Exception):  # noqa: N818
    """Nobody takes any more what this thread gives."""


def is_reader() -> bool:
    """Whether this thread is one of a crew."""
    return hasattr(_own, "stop")


def check() -> None:
    """Go on only if what this thread gives is still wanted.

    Raises:
        Stopped: it is not.
    """
    if is_reader() and _own.stop.is_set():
        raise Stopped


def pause(seconds: float) -> None:
    """Sleep, and wake up at once when what this thread gives is no longer wanted.

    Raises:
        Stopped: it is not.
    """
    if not is_reader():
        time.sleep(seconds)
    elif _own.stop.wait(seconds):
        raise Stopped


@dataclass(frozen=True)
class Ended:
    """A generator is at its end."""

    error: BaseException | None = None

    def check(self) -> None:
        """Raise the error that it ended in, if any."""
        if self.error is not None:
            raise self.error


class Crew(Generic[Key, Item]):
    """The threads that run some generators, at most so many at a time."""

    def __init__(self, jobs: Mapping[Key, Callable[[], Iterator[Item]]], most: int) -> None:
        """Nothing runs yet; `jobs` make the generators, each in the thread that runs it."""
        self._jobs = deque(jobs.items())
        self._left = len(jobs)
        self.running: set[Key] = set()
        """The keys of those that run."""
        self._room = {key: threading.Semaphore(AHEAD) for key in jobs}
        self._given: queue.SimpleQueue[tuple[Key, Item | Ended]] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, name=f"reader-{number}", daemon=True)
            for number in range(1, min(most, len(jobs)) + 1)
        ]

    def results(self) -> Iterator[tuple[Key, Item | Ended] | None]:
        """What the generators give, as it comes, and their ends; None while nothing comes."""
        for thread in self._threads:
            thread.start()
        while self._left:
            try:
                key, item = self._given.get(timeout=TICK)
            except queue.Empty:
                yield None
                continue
            if isinstance(item, Ended):
                self._left -= 1
            else:
                self._room[key].release()
            yield key, item

    def close(self) -> None:
        """Stop all threads before their next call, and wait for those that can be waited for."""
        self._stop.set()
        for room in self._room.values():
            room.release()
        end = time.monotonic() + PATIENCE
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(end - time.monotonic(), 0))

    def _work(self) -> None:
        _own.stop = self._stop
        while True:
            try:
                key, job = self._jobs.popleft()
            except IndexError:
                return
            ended = Ended()
            self.running.add(key)
            try:
                check()
                for item in job():
                    self._give(key, item)
            except Stopped:
                return
            except BaseException as error:  # noqa: BLE001 - it is raised where it is taken
                ended = Ended(error)
            self.running.discard(key)
            self._given.put((key, ended))

    def _give(self, key: Key, item: Item) -> None:
        self._room[key].acquire()
        check()
        self._given.put((key, item))
