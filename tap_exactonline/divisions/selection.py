"""Which divisions a run reads, and what Exact Online tells of each."""

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
    from tap_exactonline.definitions.definition import Plan
    from tap_exactonline.divisions.failures import Failures

LIST = "system/Divisions"
"""The list of divisions, which a run reads for itself."""
NOT_LISTED = (*NOT_READABLE, DailyLimitReached)
"""Why there may be no list of divisions, although other things can be read."""


class DivisionSelection:
    """The divisions of one run."""

    def __init__(self, context: RunContext, plans: Iterable[Plan], failures: Failures) -> None:
        """Ask nothing before it is needed; webhooks may name any of `plans`."""
        self._context = context
        self._plans = plans
        self._failures = failures
        self._one_asks = Lock()

    @cached_property
    def current(self) -> int:
        """The division the signed-in user works in."""
        return int(self._context.connection.me["CurrentDivision"])

    @cached_property
    def all(self) -> list[int]:
        """The divisions to read."""
        if self._context.config.get("all_divisions"):
            return self._own(sorted(self._open()))
        chosen = self._context.config.get("divisions")
        return self._own(dict.fromkeys(chosen) if chosen else [self.current])

    def of(self, stream: str) -> list[int]:
        """The divisions to read a stream in; with webhooks, only those where it has news."""
        if self.news is None:
            return self.all
        named = self.news.get(stream, set())
        if self._context.config.get("all_divisions") or self._context.config.get("divisions"):
            return [division for division in self.all if division in named]
        return self._own(sorted(named))

    @cached_property
    def news(self) -> Mapping[str, set[int]] | None:
        """In which divisions webhooks have named a stream; None where all is to be read."""
        path = self._context.config.get(webhooks.SETTING)
        if not path:
            return None
        return webhooks.divisions_by_stream(webhooks.read(path), self._plans, catalogue.load())

    def has_news(self, stream: str) -> bool:
        """Whether a stream is to be read in any division."""
        return self.news is None or bool(self.of(stream))

    def moved_at(self, division: int) -> str | None:
        """When Exact last moved the division to another database; None where that is not known."""
        listed = self.listed.get(division)
        if listed is None:
            return None
        day = listed.get("DivisionMoveDate")
        context = self._context
        return validity.move(day and str(day), context.started_at, context.connection.zone)

    @property
    def listed(self) -> Mapping[int, Mapping[str, Any]]:
        """The divisions the user may open, by their numbers; none where they cannot be listed."""
        with self._one_asks:
            return self._listed

    @cached_property
    def _listed(self) -> dict[int, dict[str, Any]]:
        try:
            return self._ask()
        except NOT_LISTED as error:
            self._context.logger.warning(
                "The list of divisions cannot be read, so that a division which Exact has moved "
                "would not be noticed. %s",
                error,
            )
            return {}

    def _ask(self) -> dict[int, dict[str, Any]]:
        """Ask which divisions the user may open; a denial is remembered for an hour."""
        connection = self._context.connection
        if connection.is_denied(LIST, self.current):
            raise AccessDenied(f"{LIST}: Exact Online refused access within the last hour.")
        try:
            rows = connection.divisions
        except AccessDenied:
            connection.remember_denial(LIST, self.current)
            raise
        return {int(row["Code"]): row for row in rows}

    def _open(self) -> set[int]:
        """Those that the user may open; those of the state where they cannot be listed now."""
        try:
            return {*self._ask()}
        except NOT_LISTED as error:
            known = self._in_state()
            if not known:
                raise
            self._context.logger.warning("Only the divisions that were read before are read.")
            self._failures.failed("the list of divisions", error)
            return known

    def _in_state(self) -> set[int]:
        streams = self._context.state.get("bookmarks", {}).values()
        partitions = [part for stream in streams for part in stream.get("partitions", ())]
        return {int(part["context"][PARTITION]) for part in partitions}

    def _own(self, divisions: Iterable[int]) -> list[int]:
        """Those of the divisions that are not left to other jobs."""
        return sharding.own(divisions, self._context.config.get(sharding.SETTING))

    def check(self) -> None:
        """Look at the settings, before anything is asked.

        Raises:
            ConfigurationError: one of them is wrong.
        """
        _ = self.news
        self._own(())
