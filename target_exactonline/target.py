"""The Singer target: messages, states and signals."""

from __future__ import annotations

import json
from contextlib import closing
from copy import deepcopy
from functools import partial
from typing import IO, TYPE_CHECKING, Any, ClassVar

from singer_sdk import Target
from singer_sdk.exceptions import MappingError, SyncError
from singer_sdk.helpers.capabilities import PluginCapabilities
from typing_extensions import override

from exactonline_client.errors import (
    ConfigurationError,
    ExactOnlineError,
)
from exactonline_client.plugin import start
from exactonline_client.plugin.settings import DISTRIBUTION
from exactonline_client.plugin.stdout import Output
from exactonline_client.plugin.stream_maps import Mapper
from exactonline_client.stopping import Stop, Stopped
from target_exactonline.message_reader import MessageReader
from target_exactonline.settings import SCHEMA
from target_exactonline.sinks import TEST_STREAM, DocumentSink, MatchSetSink, ProbeSink

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from singer_sdk.helpers.capabilities import CapabilitiesEnum
    from singer_sdk.sinks import Sink


class TargetExactOnline(Target):
    """Singer target that creates documents in Exact Online, each of them once."""

    name = "target-exactonline"
    package_name = DISTRIBUTION
    message_reader_class = MessageReader
    config_jsonschema: ClassVar[dict[str, Any]] = deepcopy(SCHEMA)
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]

    def __init__(self, **options: Any) -> None:  # noqa: ANN401
        """Take the options of the SDK's `Target`."""
        # `--version` and `--about` write nothing, and SQLAlchemy is slow to import.
        from target_exactonline.run import Run  # noqa: PLC0415

        self.stop = Stop()
        super().__init__(**options)
        if isinstance(self.message_reader, MessageReader):
            self.message_reader.waiting = self.stop.waiting
        self._output = Output()
        # Exact Online asks for one request at a time in a division.
        self.max_parallelism = 1
        self.run = Run(self.config, self.stop, self.logger)
        self._written_state: dict[str, Any] | None = None
        self._held_state: dict[str, Any] | None = None
        """State message to emit once buffered records are written, and denials turned out to
        concern single records."""

    @classmethod
    @override
    def append_builtin_config(cls, config_jsonschema: dict[str, Any]) -> None:
        super().append_builtin_config(config_jsonschema)
        # A document has no columns for Singer metadata, and fake data must not be booked.
        for name in ("add_record_metadata", "faker_config"):
            config_jsonschema["properties"].pop(name, None)

    @classmethod
    @override
    def invoke(  # type: ignore[override]
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: Any = None,
        file_input: IO[str] | None = None,
    ) -> None:
        """Run from the command line."""
        if about:
            cls.print_about(about_format)
            return
        cls.print_version(print_fn=cls.logger.info)
        target = start.start(cls, config)
        with closing(target), target.run.connection.noted_run(cls.name):
            try:
                target.load_all(file_input)
            except (SyncError, MappingError) as error:
                raise ExactOnlineError(f"The input cannot be loaded: {error}") from None

    @override
    def setup_mapper(self) -> None:
        self.mapper = Mapper(plugin_config=dict(self.config), logger=self.logger)

    def drain_before(self, sink: Sink) -> None:
        """Drain the sinks that were created before a sink, whose records may refer to theirs."""
        active = list(self._sinks_active.values())
        for other in active[: active.index(sink)] if sink in active else ():
            self.drain_one(other)

    @override
    def get_sink_class(self, stream_name: str) -> type[Sink]:
        kind: Callable[..., Sink]
        if stream_name == TEST_STREAM:
            kind = partial(ProbeSink, run=self.run)
        elif self.run.is_of_match_sets(stream_name):
            kind = partial(MatchSetSink, run=self.run)
        else:
            kind = partial(DocumentSink, run=self.run, drain_before=self.drain_before)
        # The SDK only calls it, so a partial will do.
        return kind  # type: ignore[return-value]

    @override
    def _process_record_message(self, message_dict: dict[str, Any]) -> None:
        with self.run.guarded():
            super()._process_record_message(message_dict)

    @override
    def _process_state_message(self, message_dict: dict[str, Any]) -> None:
        """Drain all sinks, then emit the state.

        The SDK stores a new state before it drains, so that after a failed drain it would emit a
        state of records that were not written.
        """
        with self.run.guarded():
            self.drain_all()
        if self.run.halted:
            return
        if self.run.buffer.is_empty and not self.run.denials:
            self._held_state = None
            super()._process_state_message(message_dict)
            self.drain_all()
        else:
            self._held_state = message_dict

    @override
    def _process_activate_version_message(self, message_dict: dict[str, Any]) -> None:
        """Ignore the message: no document is deleted because a table was reloaded."""

    @override
    def _process_batch_message(self, message_dict: dict[str, Any]) -> None:
        raise ConfigurationError(
            f"Stream {message_dict.get('stream')!r} comes in files (BATCH messages), which "
            "cannot be read. Remove batch_config from the settings of the tap."
        )

    @override
    def _write_state_message(self, state: dict[str, Any]) -> None:
        # A dry run has written nothing, so its state must not advance.
        if state != self._written_state and not self.config.get("dry_run"):
            self._output.write(json.dumps(state).encode() + b"\n")
            self._written_state = state

    def load_all(self, file_input: IO[str] | None) -> None:
        """Load the input until it ends or a signal is received.

        Raises:
            SystemExit: a signal was received.
            The errors of `process_endofpipe`.
        """
        try:
            self.listen(file_input)
        except Stopped:
            raise
        except SystemExit:
            self.logger.info("Asked to stop: writing what has come in.")
            self.run.is_last = True
            with self.run.guarded():
                self.drain_all(is_endofpipe=True)
            if self.run.halted:
                self.logger.warning("%s", self.run.halted)
            raise self.run.stopped() from None

    @override
    def process_endofpipe(self) -> None:
        """Write the remaining records and log the summary.

        Raises:
            RecordsRejected: some records were rejected, also if the others were written.
        """
        run = self.run
        run.received += len(run.buffer)
        with run.guarded():
            self.drain_all()
            if not run.halted:
                run.finish()
        if self._held_state and not run.halted:
            super()._process_state_message(self._held_state)
        with run.guarded():
            super().process_endofpipe()
        run.conclude()

    def close(self) -> None:
        """Close the results file and the store."""
        self.run.close()

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        self.stop.ask(signum)
