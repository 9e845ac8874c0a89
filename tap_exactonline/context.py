"""What every part of a run may ask for: settings, state, clock, stop flag, connection."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from exactonline_client.errors import ConfigurationError
from tap_exactonline.extract import workers
from tap_exactonline.settings import PARALLEL_DIVISIONS
from tap_exactonline.state import bookmarks

if TYPE_CHECKING:
    import logging
    from collections.abc import Mapping
    from datetime import datetime

    from exactonline_client.connection import Connection
    from exactonline_client.stopping import Stop


@dataclass(frozen=True)
class RunContext:
    """The surroundings of one run."""

    config: Mapping[str, Any]
    state: Mapping[str, Any]
    """The Singer state, which changes in place."""
    started_at: datetime
    stop: Stop
    logger: logging.Logger

    @cached_property
    def connection(self) -> Connection:
        """The connection to Exact Online, opened at first use."""
        # Discovery needs no connection, and the database library takes long to import.
        from exactonline_client.connection import connect  # noqa: PLC0415

        connection = connect(self.config, sleep=self._sleep)
        connection.session.before_call = self._check_stop
        return connection

    @property
    def parallel_divisions(self) -> int:
        """How many divisions are read side by side."""
        return self.config.get("max_parallel_divisions") or PARALLEL_DIVISIONS

    @cached_property
    def start_date(self) -> str | None:
        """The setting start_date as UTC text."""
        text = self.config.get("start_date")
        if not text:
            return None
        try:
            return bookmarks.utc_text(text)
        except ValueError:
            raise ConfigurationError(
                f"Setting start_date: {text!r} is no date. Write it as 2025-01-01T00:00:00Z."
            ) from None

    def _check_stop(self) -> None:
        """End what this thread does if a stop was asked for."""
        if workers.is_reader():
            workers.check()
        else:
            self.stop.check()

    def _sleep(self, seconds: float) -> None:
        """Sleep, and wake up at once when a stop is asked for."""
        if workers.is_reader():
            workers.pause(seconds)
        else:
            self.stop.sleep(seconds)
