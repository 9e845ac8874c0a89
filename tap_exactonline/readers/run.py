"""Compose a run: the objects that all streams of a run use."""

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
from tap_exactonline.extract.unreadable import UnreadableValues
from tap_exactonline.progress.progress import Progress
from tap_exactonline.readers.parallel import ParallelReaders
from tap_exactonline.state.messages import StateMessages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from exactonline_client.connection import Connection
    from tap_exactonline.context import RunContext
    from tap_exactonline.definitions.definition import StreamDefinition


ATTACHMENTS, WITH_FILES = "attachments", "content"


class Run:
    """Objects that all streams of a run use."""

    def __init__(
        self,
        context: RunContext,
        definitions: Sequence[StreamDefinition],
        *,
        selected_streams: Callable[[], Iterable[str]],
        write_state: Callable[[Any], None],
    ) -> None:
        """Create shared objects before worker threads start; makes no call.

        `write_state` emits a state unless it equals the last one.
        """
        self.context = context
        self.definitions = {definition.name: definition for definition in definitions}
        self.unreadable = UnreadableValues()
        self.failures = Failures(
            self.unreadable,
            context.logger,
            fails_on_daily_limit=context.config.get("on_daily_limit") == "fail",
        )
        self.divisions = DivisionSelection(context, definitions, self.failures)
        self.isolation = Isolation(context, self.divisions, self.failures)
        self.deleted_logs = DeletedLogs(
            context, self.divisions, self.failures, self.unreadable, selected_streams
        )
        self.states = StateMessages(context.state, write_state)

    @property
    def connection(self) -> Connection:
        """Connection to Exact Online, opened at first use."""
        return self.context.connection

    @cached_property
    def progress(self) -> Progress:
        """Progress of the run."""
        connection = self.connection
        return Progress(connection.session.usage, connection.budget)

    @cached_property
    def readers(self) -> ParallelReaders:
        """Readers of the divisions of a stream."""
        return ParallelReaders(
            self.context.parallel_divisions,
            self.progress,
            self.states,
            self.context.stop.check,
        )

    @property
    def keeps_unknown(self) -> bool:
        """Setting `keep_unknown_fields`."""
        return bool(self.context.config.get("keep_unknown_fields"))

    @property
    def reads_files(self) -> bool:
        """Whether the setting `attachments` asks for files."""
        return bool(self.context.config.get(ATTACHMENTS) == WITH_FILES)

    @property
    def checks_rights(self) -> bool:
        """Setting `check_rights`: whether to check permissions of empty lists."""
        return bool(self.context.config.get(permissions.SETTING, True))

    @property
    def sends_tombstones(self) -> bool:
        """Whether the setting `deletes` is `tombstone`: one for each deleted row."""
        return bool(self.context.config.get("deletes", "tombstone") == "tombstone")

    @cached_property
    def compared_streams(self) -> set[str]:
        """Names of the streams to detect deletes of by comparing keys.

        Raises:
            ConfigurationError: the setting `compare_keys` is invalid or needs another one.
        """
        chosen = self.context.config.get(key_diff.SETTING)
        if chosen and not self.sends_tombstones:
            raise ConfigurationError(
                f"Setting {key_diff.SETTING}: missing rows are reported as tombstones. Set "
                "deletes: tombstone as well."
            )
        return key_diff.streams(chosen, [*self.definitions.values()])
