"""Waiting for what was sent without an answer, with an ear for a request to stop."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)


def wait(seconds: float, sleep: Callable[[float], None], check_stop: Callable[[], None]) -> None:
    """Wait; `check_stop` is called every second, and raises to end the wait."""
    if seconds <= 0:
        return
    logger.info("Waiting %.0f s for what was sent without an answer, then looking again.", seconds)
    pieces = math.ceil(seconds)
    for _ in range(pieces):
        check_stop()
        sleep(seconds / pieces)
