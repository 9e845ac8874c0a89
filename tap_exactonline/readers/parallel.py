"""Read the divisions of a stream in parallel."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tap_exactonline.extract.batch import Batch
from tap_exactonline.extract.workers import WorkerPool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tap_exactonline.extract.workers import Finished
    from tap_exactonline.progress.progress import Progress
    from tap_exactonline.state.messages import StateMessages


class ParallelReaders:
    """Read one stream at a time, each in several divisions in parallel."""

    def __init__(
        self,
        max_workers: int,
        progress: Progress,
        states: StateMessages,
        check_stop: Callable[[], None],
    ) -> None:
        """Read at most `max_workers` divisions at a time; `check_stop` raises to end the run."""
        self.progress = progress
        self.states = states
        self._max_workers = max_workers
        self._check_stop = check_stop
        self._pool: WorkerPool[int, Batch] = WorkerPool({}, 0)

    @contextmanager
    def in_parallel(
        self, stream: str, divisions: Mapping[int, Callable[[], Iterator[Batch]]]
    ) -> Iterator[Iterator[tuple[int, Batch | Finished]]]:
        """Start a reader per division, and yield their batches as they come.

        All readers have stopped when the block ends.
        """
        self.progress.begin(stream)
        self._pool = WorkerPool(divisions, self._max_workers)
        try:
            yield self._results(self._pool)
        finally:
            self._pool.close()

    def stop(self) -> None:
        """Stop all readers, even if the block was never left."""
        self._pool.close()

    def _results(self, pool: WorkerPool[int, Batch]) -> Iterator[tuple[int, Batch | Finished]]:
        for given in pool.results():
            self._check_stop()
            self.progress.tick([*pool.running])
            if given is None:
                # Emit the state before a long wait: the run may be killed in it.
                self.states.flush()
                continue
            division, item = given
            if isinstance(item, Batch):
                self.progress.add(division, len(item.rows))
            elif item.error is not None:
                self.states.flush()
            yield division, item
