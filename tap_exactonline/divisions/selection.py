"""Select the divisions to read, from the settings and the list of divisions."""

from __future__ import annotations

from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any

from exactonline_client import catalogue
from exactonline_client.errors import NOT_READABLE, AccessDenied, DailyLimitReached
from tap_exactonline.divisions import sharding, webhooks
from tap_exactonline.state import validity
from tap_exactonline.state.bookmarks import PARTITION

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tap_exactonline.context import RunContext
    from tap_exactonline.definitions.definition import StreamDefinition
    from tap_exactonline.divisions.failures import Failures

LIST = "system/Divisions"
"""Endpoint of the list of divisions."""
NOT_LISTED = (*NOT_READABLE, DailyLimitReached)
"""Errors of the list of divisions that do not end a run."""


class DivisionSelection:
    """Divisions of one run."""

    def __init__(
        self, context: RunContext, definitions: Iterable[StreamDefinition], failures: Failures
    ) -> None:
        """Make no call yet; `definitions` are the streams that webhooks may name."""
        self._context = context
        self._plans = definitions
        self._failures = failures
        self._lock = Lock()

    @cached_property
    def current(self) -> int:
        """Current division of the signed-in user."""
        return int(self._context.connection.me["CurrentDivision"])

    @cached_property
    def all(self) -> list[int]:
        """Divisions to read."""
        if self._context.config.get("all_divisions"):
            return self._own_shard(sorted(self._accessible()))
        chosen = self._context.config.get("divisions")
        return self._own_shard(dict.fromkeys(chosen) if chosen else [self.current])

    def of(self, stream: str) -> list[int]:
        """Divisions to read a stream in; with `divisions_from`, only those that webhooks name."""
        if self.news is None:
            return self.all
        named = self.news.get(stream, set())
        if self._context.config.get("all_divisions") or self._context.config.get("divisions"):
            return [division for division in self.all if division in named]
        return self._own_shard(sorted(named))

    @cached_property
    def news(self) -> Mapping[str, set[int]] | None:
        """Divisions that webhooks name, by stream; None without `divisions_from`."""
        path = self._context.config.get(webhooks.SETTING)
        if not path:
            return None
        return webhooks.divisions_by_stream(webhooks.read(path), self._plans, catalogue.load())

    def has_news(self, stream: str) -> bool:
        """Whether to read a stream in any division."""
        return self.news is None or bool(self.of(stream))

    def moved_at(self, division: int) -> str | None:
        """Marker of the division's last move to another database; None if not known.

        See `validity.move_marker`.
        """
        listed = self.listed.get(division)
        if listed is None:
            return None
        day = listed.get("DivisionMoveDate")
        context = self._context
        return validity.move_marker(day and str(day), context.started_at, context.connection.zone)

    @property
    def listed(self) -> Mapping[int, Mapping[str, Any]]:
        """Divisions that the user may open, by number; empty if they cannot be listed."""
        with self._lock:
            return self._listed

    @cached_property
    def _listed(self) -> dict[int, dict[str, Any]]:
        try:
            return self._fetch()
        except NOT_LISTED as error:
            self._context.logger.warning(
                "The list of divisions cannot be read, so that a division which Exact has moved "
                "would not be noticed. %s",
                error,
            )
            return {}

    def _fetch(self) -> dict[int, dict[str, Any]]:
        """Fetch the list of divisions; a denial is remembered for an hour."""
        connection = self._context.connection
        if connection.is_denied(LIST, self.current):
            raise AccessDenied(f"{LIST}: Exact Online refused access within the last hour.")
        try:
            rows = connection.divisions
        except AccessDenied:
            connection.remember_denial(LIST, self.current)
            raise
        return {int(row["Code"]): row for row in rows}

    def _accessible(self) -> set[int]:
        """Divisions that the user may open, or those of the state if they cannot be listed."""
        try:
            return {*self._fetch()}
        except NOT_LISTED as error:
            known = self._in_state()
            if not known:
                raise
            self._context.logger.warning("Only the divisions that were read before are read.")
            self._failures.failed("the list of divisions", error)
            return known

    def _in_state(self) -> set[int]:
        streams = self._context.state.get("bookmarks", {}).values()
        partitions = [partition for stream in streams for partition in stream.get("partitions", ())]
        return {int(partition["context"][PARTITION]) for partition in partitions}

    def _own_shard(self, divisions: Iterable[int]) -> list[int]:
        """Divisions of this job, by the setting `divisions_share`."""
        return sharding.shard(divisions, self._context.config.get(sharding.SETTING))

    def check(self) -> None:
        """Validate the settings, before the first API call.

        Raises:
            ConfigurationError: a setting is invalid.
        """
        _ = self.news
        self._own_shard(())
