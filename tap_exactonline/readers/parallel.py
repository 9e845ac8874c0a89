"""The divisions of a stream, read side by side, for the one thread that sends what they give."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tap_exactonline.extract.batch import Batch
from tap_exactonline.extract.workers import Crew

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tap_exactonline.extract.workers import Ended
    from tap_exactonline.progress.progress import Progress
    from tap_exactonline.state.messages import StateMessages


class Readers:
    """Reads one stream after the other, each in several divisions at a time."""

    def __init__(
        self, most: int, progress: Progress, states: StateMessages, check_stop: Callable[[], None]
    ) -> None:
        """`most` divisions are read at a time; `check_stop` raises to end the run."""
        self.progress = progress
        self.states = states
        self._most = most
        self._check_stop = check_stop
        self._crew: Crew[int, Batch] = Crew({}, 0)

    @contextmanager
    def side_by_side(
        self, stream: str, divisions: Mapping[int, Callable[[], Iterator[Batch]]]
    ) -> Iterator[Iterator[tuple[int, Batch | Ended]]]:
        """What is read of the divisions, as it comes; nothing reads on behind the block."""
        self.progress.begin(stream)
        self._crew = Crew(divisions, self._most)
        try:
            yield self._given(self._crew)
        finally:
            self._crew.close()

    def stop(self) -> None:
        """End all threads, also where the block was left behind."""
        self._crew.close()

    def _given(self, crew: Crew[int, Batch]) -> Iterator[tuple[int, Batch | Ended]]:
        for given in crew.results():
            self._check_stop()
            self.progress.tick([*crew.running])
            if given is None:
                # Whoever waits long may be cut off: what is proven so far is told before.
                self.states.flush()
                continue
            division, what = given
            if isinstance(what, Batch):
                self.progress.add(division, len(what.rows))
            elif what.error is not None:
                self.states.flush()
            yield division, what
