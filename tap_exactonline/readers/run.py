"""One run: the parts that its streams share, and how they are put together."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from exactonline_client.errors import ConfigurationError
from tap_exactonline.deletes import key_diff
from tap_exactonline.deletes.log import DeletedLogs
from tap_exactonline.divisions.failures import Failures
from tap_exactonline.divisions.isolation import Isolation
from tap_exactonline.divisions.selection import DivisionSelection
from tap_exactonline.extract import permissions
from tap_exactonline.extract.unreadable import Unreadable
from tap_exactonline.progress.progress import Progress
from tap_exactonline.readers.parallel import Readers
from tap_exactonline.state.messages import StateMessages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from exactonline_client.connection import Connection
    from tap_exactonline.context import RunContext
    from tap_exactonline.definitions.definition import Plan


ATTACHMENTS, WITH_FILES = "attachments", "content"


class Run:
    """What the streams of a run share."""

    def __init__(
        self,
        context: RunContext,
        plans: Sequence[Plan],
        *,
        selected_streams: Callable[[], Iterable[str]],
        write_state: Callable[[Any], None],
    ) -> None:
        """Put the parts together before any thread starts; asks nothing.

        `write_state` sends a state, unless it is the one that was sent last.
        """
        self.context = context
        self.plans = {plan.name: plan for plan in plans}
        self.unreadable = Unreadable()
        self.failures = Failures(
            self.unreadable,
            context.logger,
            fails_on_daily_limit=context.config.get("on_daily_limit") == "fail",
        )
        self.divisions = DivisionSelection(context, plans, self.failures)
        self.isolation = Isolation(context, self.divisions, self.failures)
        self.deleted_logs = DeletedLogs(
            context, self.divisions, self.failures, self.unreadable, selected_streams
        )
        self.states = StateMessages(context.state, write_state)

    @property
    def connection(self) -> Connection:
        """The connection to Exact Online, opened at first use."""
        return self.context.connection

    @cached_property
    def progress(self) -> Progress:
        """How far the run is."""
        connection = self.connection
        return Progress(connection.session.usage, connection.budget)

    @cached_property
    def readers(self) -> Readers:
        """What reads the divisions of a stream."""
        return Readers(
            self.context.parallel_divisions,
            self.progress,
            self.states,
            self.context.stop.check,
        )

    @property
    def keeps_unknown(self) -> bool:
        """Whether fields that the catalogue does not know are kept."""
        return bool(self.context.config.get("keep_unknown_fields"))

    @property
    def reads_files(self) -> bool:
        """Whether attachments are read with their files."""
        return bool(self.context.config.get(ATTACHMENTS) == WITH_FILES)

    @property
    def asks_for_rights(self) -> bool:
        """Whether Exact is asked for the user's rights where a list is empty."""
        return bool(self.context.config.get(permissions.SETTING, True))

    @property
    def sends_tombstones(self) -> bool:
        """Whether a deleted row is sent as a tombstone in its own stream."""
        return bool(self.context.config.get("deletes", "tombstone") == "tombstone")

    @cached_property
    def compared(self) -> set[str]:
        """The streams whose deletes are found by their keys.

        Raises:
            ConfigurationError: the setting is wrong, or does not fit the others.
        """
        chosen = self.context.config.get(key_diff.SETTING)
        if chosen and not self.sends_tombstones:
            raise ConfigurationError(
                f"Setting {key_diff.SETTING}: what is gone is told by tombstones, so it needs "
                "deletes: tombstone."
            )
        return key_diff.streams(chosen, [*self.plans.values()])
