"""What was sent without an answer: put off to the end of the run, waited for, then settled.

It may still be waiting at Exact Online to be carried out. What cannot be found after `settle_after`
seconds never will be, and may be sent again.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from exactonline_client.store.clock import CLOCK_TOLERANCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from exactonline_client.store.postings import Posting

logger = logging.getLogger(__name__)


class Sent(Protocol):
    """A document or a match set."""

    @property
    def reference(self) -> str | None:
        """What it is known by."""

    @property
    def problems(self) -> list[str]:
        """Why it cannot be sent."""


Item = TypeVar("Item", bound=Sent)


@dataclass(kw_only=True)
class PutOff(Generic[Item]):
    """The documents, or match sets, in doubt of one loader."""

    clock: Callable[[], float]
    settle_after: float
    """Seconds after which what was sent, and is not to be found, may be sent again."""
    sleep: Callable[[float], None]
    check_stop: Callable[[], None]
    """Raises to end the wait."""
    items: list[tuple[str, Item]] = field(default_factory=list)
    """What waits for the end of the run, with its streams."""
    has_waited: bool = False
    """Whether the run has waited: then nothing is put off any more."""
    _until: float = 0.0
    _revisions: dict[str, str] = field(default_factory=dict)
    """The revisions of the entries, by reference, that were waited for."""

    def add(self, stream: str, item: Item, sent_at: float) -> None:
        """Put off what was sent at a moment."""
        self.items.append((stream, item))
        self._until = max(self._until, sent_at + self.settle_after)

    def take_over(
        self,
        left: Iterable[tuple[str, float, Mapping[str, Any]]],
        prepare: Callable[[Mapping[str, Any]], Item],
        can_settle: Callable[[str, Item], bool] = lambda _stream, _item: True,
    ) -> None:
        """Put off as well what earlier runs left in doubt: their input may not come again.

        Args:
            left: stream, moment and record of each, see `Journal.left`.
            prepare: makes of a record what would be sent.
            can_settle: whether this loader can find out about an item of a stream.
        """
        waiting = {item.reference for _, item in self.items}
        for stream, sent_at, record in left:
            item = prepare(record)
            if item.problems or item.reference in waiting or not can_settle(stream, item):
                continue
            self.add(stream, item, sent_at)

    def expect(self, postings: Iterable[Posting]) -> None:
        """Take note of entries that are going to be waited for, as they are now.

        What another run sends after this is waited for by that, or by the next.
        """
        self._revisions |= {posting.reference: posting.revision for posting in postings}

    def wait(self, until: float = 0.0) -> None:
        """Wait until all that was put off may be sent again, at least until a moment."""
        seconds = max(self._until, until) - self.clock()
        wait(seconds, self.settle_after, self.sleep, self.check_stop)
        self.has_waited = True

    def is_over(self, posting: Posting) -> bool:
        """Whether what an entry is about is at Exact Online by now, if it ever will be."""
        waited = self._revisions.get(posting.reference) == posting.revision
        return is_old(posting.sent_at, self.clock(), self.settle_after, waited=waited)


def wait(
    seconds: float, most: float, sleep: Callable[[float], None], check_stop: Callable[[], None]
) -> None:
    """Wait, interruptibly: `check_stop` is called every second, and raises to end the wait.

    No longer than `most`: a moment that lies further ahead was noted by another clock.
    """
    seconds = min(seconds, most)
    if seconds <= 0:
        return
    logger.info("Waiting %.0f s for what was sent without an answer, then looking again.", seconds)
    pieces = math.ceil(seconds)
    for _ in range(pieces):
        check_stop()
        sleep(seconds / pieces)


def is_ahead(moment: float, now: float) -> bool:
    """Whether a moment is in the future: then it was noted by a clock that was ahead."""
    return moment > now + CLOCK_TOLERANCE


def is_old(sent_at: float | None, now: float, settle_after: float, *, waited: bool = False) -> bool:
    """Whether what was sent so long ago is at Exact Online by now, if it ever will be.

    Where the moment tells nothing, that is known only of what was `waited` for, that long.
    """
    moment = sent_at or 0.0
    return waited if is_ahead(moment, now) else now >= moment + settle_after
