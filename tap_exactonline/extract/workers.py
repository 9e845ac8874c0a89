"""Run generators in parallel threads; one thread consumes their items.

Items of one generator keep their order. A generator that is ahead of the consumer by its buffer
waits.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Key = TypeVar("Key")
Item = TypeVar("Item")

BUFFER_SIZE = 1
"""Items of one generator that wait for the consumer; the generator holds one more."""
POLL_SECONDS = 0.5
"""Seconds without an item after which `results` yields None."""
JOIN_SECONDS = 15.0
"""Seconds to wait for threads to end: longer than the waits between tries of a call. Threads are
daemons, so that a call that hangs does not keep the program alive."""

_local = threading.local()


class Stopped(Exception):  # noqa: N818
    """The pool of this thread was closed."""


def is_worker() -> bool:
    """Whether this thread belongs to a pool."""
    return hasattr(_local, "stop")


def check() -> None:
    """Raise if the pool of this thread was closed.

    Raises:
        Stopped: it was.
    """
    if is_worker() and _local.stop.is_set():
        raise Stopped


def pause(seconds: float) -> None:
    """Sleep; wake up at once when the pool of this thread is closed.

    Raises:
        Stopped: it was.
    """
    if not is_worker():
        time.sleep(seconds)
    elif _local.stop.wait(seconds):
        raise Stopped


class Finished(msgspec.Struct, frozen=True):
    """A generator has ended."""

    error: BaseException | None = None

    def check(self) -> None:
        """Raise the error of the generator, if any."""
        if self.error is not None:
            raise self.error


class WorkerPool(Generic[Key, Item]):
    """Threads that run generators, at most `max_workers` at a time."""

    def __init__(self, jobs: Mapping[Key, Callable[[], Iterator[Item]]], max_workers: int) -> None:
        """Start no thread yet; each of `jobs` makes its generator in the thread that runs it."""
        self._jobs = deque(jobs.items())
        self._unfinished = len(jobs)
        self.running: set[Key] = set()
        """Keys of the running generators."""
        self._slots = {key: threading.Semaphore(BUFFER_SIZE) for key in jobs}
        self._queue: queue.SimpleQueue[tuple[Key, Item | Finished]] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, name=f"reader-{number}", daemon=True)
            for number in range(1, min(max_workers, len(jobs)) + 1)
        ]

    def results(self) -> Iterator[tuple[Key, Item | Finished] | None]:
        """Yield items and `Finished` as they come, by key; None if nothing comes for a while."""
        for thread in self._threads:
            thread.start()
        while self._unfinished:
            try:
                key, item = self._queue.get(timeout=POLL_SECONDS)
            except queue.Empty:
                yield None
                continue
            if isinstance(item, Finished):
                self._unfinished -= 1
            else:
                self._slots[key].release()
            yield key, item

    def close(self) -> None:
        """Stop all threads before their next call, and wait for them at most `JOIN_SECONDS`."""
        self._stop.set()
        for room in self._slots.values():
            room.release()
        end = time.monotonic() + JOIN_SECONDS
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(end - time.monotonic(), 0))

    def _work(self) -> None:
        _local.stop = self._stop
        while True:
            try:
                key, job = self._jobs.popleft()
            except IndexError:
                return
            finished = Finished()
            self.running.add(key)
            try:
                check()
                for item in job():
                    self._put(key, item)
            except Stopped:
                return
            except BaseException as error:  # noqa: BLE001 - the consumer raises it
                finished = Finished(error)
            self.running.discard(key)
            self._queue.put((key, finished))

    def _put(self, key: Key, item: Item) -> None:
        self._slots[key].acquire()
        check()
        self._queue.put((key, item))
