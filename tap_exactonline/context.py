"""Context of a run: settings, state, start time, stop flag, logger and connection."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

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


class RunContext(msgspec.Struct, frozen=True, dict=True):
    """Read-only context of one run."""

    config: Mapping[str, Any]
    state: Mapping[str, Any]
    """Singer state; the SDK updates it in place."""
    started_at: datetime
    stop: Stop
    logger: logging.Logger

    @cached_property
    def connection(self) -> Connection:
        """Connection to Exact Online, opened at first use."""
        # Discovery needs no connection, and SQLAlchemy is slow to import.
        from exactonline_client.connection import connect  # noqa: PLC0415

        connection = connect(self.config, sleep=self._sleep)
        connection.session.before_call = self._check_stop
        return connection

    def close(self) -> None:
        """Close the connection, if it was opened."""
        if "connection" in vars(self):
            self.connection.close()

    @property
    def parallel_divisions(self) -> int:
        """Maximum number of divisions to read in parallel."""
        return self.config.get("max_parallel_divisions") or PARALLEL_DIVISIONS

    @cached_property
    def start_date(self) -> str | None:
        """Setting `start_date` in UTC (ISO 8601), or None.

        Raises:
            ConfigurationError: it is not a date.
        """
        text = self.config.get("start_date")
        if not text:
            return None
        try:
            return bookmarks.utc_text(text)
        except ValueError:
            raise ConfigurationError(
                f"Setting start_date: {text!r} is not a date. Write it as 2025-01-01T00:00:00Z."
            ) from None

    def _check_stop(self) -> None:
        """Leave this thread if a stop was requested."""
        if workers.is_worker():
            workers.check()
        else:
            self.stop.check()

    def _sleep(self, seconds: float) -> None:
        """Sleep; wake up at once when a stop is requested."""
        if workers.is_worker():
            workers.pause(seconds)
        else:
            self.stop.sleep(seconds)
