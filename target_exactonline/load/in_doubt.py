"""Documents that were sent without an answer: put off, waited for, then settled.

They may still be waiting at Exact Online to be carried out. What cannot be found after
`settle_after` seconds never will be, and may be sent again.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic

from exactonline_client.store.clock import CLOCK_TOLERANCE
from target_exactonline.load.case import Item

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from exactonline_client.store.postings import Posting

logger = logging.getLogger(__name__)


@dataclass(kw_only=True)
class PutOff(Generic[Item]):
    """The documents, or match sets, that a loader has put off to the end of the run."""

    clock: Callable[[], float]
    settle_after: float
    """Seconds after which a document that cannot be found may be sent again."""
    sleep: Callable[[float], None]
    check_stop: Callable[[], None]
    """Raises to end the wait."""
    items: list[tuple[str, Item]] = field(default_factory=list)
    """Each with its stream."""
    has_waited: bool = False
    """Whether the run has waited; then nothing more is put off."""
    _until: float = 0.0
    _revisions: dict[str, str] = field(default_factory=dict)
    """Revisions of the postings that were waited for, by reference."""

    def add(self, stream: str, item: Item, sent_at: float) -> None:
        """Put off what was sent at this time (seconds since the epoch)."""
        self.items.append((stream, item))
        self._until = max(self._until, sent_at + self.settle_after)

    def take_over(
        self,
        left: Iterable[tuple[str, float, Mapping[str, Any]]],
        prepare: Callable[[Mapping[str, Any]], Item],
        can_settle: Callable[[str, Item], bool] = lambda _stream, _item: True,
    ) -> None:
        """Put off what earlier runs left in doubt: their input may not come again.

        Args:
            left: stream, time and record of each, see `Journal.left`.
            prepare: makes of a record what would be sent.
            can_settle: whether this loader can search for an item of a stream.
        """
        waiting = {item.reference for _, item in self.items}
        for stream, sent_at, record in left:
            item = prepare(record)
            if item.problems or item.reference in waiting or not can_settle(stream, item):
                continue
            self.add(stream, item, sent_at)

    def expect(self, postings: Iterable[Posting]) -> None:
        """Take note of the revisions of postings that are going to be waited for.

        What another run sends after this is waited for by that run, or by the next.
        """
        self._revisions |= {posting.reference: posting.revision for posting in postings}

    def wait(self, until: float = 0.0) -> None:
        """Wait until all that was put off may be sent again, and at least until a time."""
        seconds = max(self._until, until) - self.clock()
        wait(seconds, self.settle_after, self.sleep, self.check_stop)
        self.has_waited = True

    def is_over(self, posting: Posting) -> bool:
        """Whether the document of a posting is at Exact Online by now, if it ever will be."""
        waited = self._revisions.get(posting.reference) == posting.revision
        return is_old(posting.sent_at, self.clock(), self.settle_after, waited=waited)


def wait(
    seconds: float, most: float, sleep: Callable[[float], None], check_stop: Callable[[], None]
) -> None:
    """Wait, interruptibly: `check_stop` is called every second, and raises to end the wait.

    No longer than `most`: a time that lies further ahead was noted by another clock.
    """
    seconds = min(seconds, most)
    if seconds <= 0:
        return
    logger.info("Waiting %.0f s for what was sent without an answer, then looking again.", seconds)
    pieces = math.ceil(seconds)
    for _ in range(pieces):
        check_stop()
        sleep(seconds / pieces)


def is_ahead(time: float, now: float) -> bool:
    """Whether a time is in the future: then it was noted by a clock that was ahead."""
    return time > now + CLOCK_TOLERANCE


def is_old(sent_at: float | None, now: float, settle_after: float, *, waited: bool = False) -> bool:
    """Whether what was sent at a time is at Exact Online by now, if it ever will be.

    If the time is of a clock that was ahead, only what was `waited` for is.
    """
    time = sent_at or 0.0
    return waited if is_ahead(time, now) else now >= time + settle_after
