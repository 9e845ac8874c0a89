"""Waiting for what was sent without an answer, with an ear for a request to stop."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING

from exactonline_client.store.clock import CLOCK_TOLERANCE

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)


def wait(
    seconds: float, most: float, sleep: Callable[[float], None], check_stop: Callable[[], None]
) -> None:
    """Wait; `check_stop` is called every second, and raises to end the wait.

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
