"""Singer tap: discovery, stream selection, and the composition of one run."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import closing, suppress
from datetime import datetime, timezone
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any, ClassVar

import msgspec
from singer_sdk import Tap
from singer_sdk.exceptions import AbortedSyncFailedException, AbortedSyncPausedException
from singer_sdk.helpers.capabilities import (
    CapabilitiesEnum,
    PluginCapabilities,
    TapCapabilities,
)
from singer_sdk.tap_base import CliTestOptionValue
from typing_extensions import override

from exactonline_client import catalogue
from exactonline_client.errors import ConfigurationError, DailyLimitReached
from exactonline_client.plugin import start
from exactonline_client.plugin.configuration import did_you_mean
from exactonline_client.plugin.imports import uncollected
from exactonline_client.plugin.settings import DISTRIBUTION
from exactonline_client.plugin.stream_maps import Mapper
from exactonline_client.printable import counted
from exactonline_client.stopping import Stop
from tap_exactonline.context import RunContext
from tap_exactonline.definitions import custom, custom_config
from tap_exactonline.definitions.definition import stream_definitions
from tap_exactonline.estimate.planned_run import PlannedRun
from tap_exactonline.message_writer import BufferedWriter
from tap_exactonline.progress.progress import log_metrics, on_terminal
from tap_exactonline.readers import attachments
from tap_exactonline.readers.attachments import AttachmentReader
from tap_exactonline.readers.custom import CustomReader
from tap_exactonline.readers.documents import ExpandedReader, MixedReader
from tap_exactonline.readers.run import Run
from tap_exactonline.settings import CONFIG, FRESH_DAYS
from tap_exactonline.state import inputs
from tap_exactonline.streams import posting_results
from tap_exactonline.streams.base import ExactStream
from tap_exactonline.streams.documents import HeaderStream, LineStream
from tap_exactonline.streams.posting_results import PostingResults

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    import click
    from singer_sdk import Stream

    from exactonline_client.connection import Connection
    from tap_exactonline.definitions.definition import StreamDefinition


TEST_STREAMS = {"accounts", "items", "journals"}
"""Streams that `--test` reads without a catalog: short lists of widely licensed modules."""


class TapExactOnline(Tap):
    """Reads Exact Online: every readable entity as a stream, changes and deletes included."""

    name = "tap-exactonline"
    package_name = DISTRIBUTION
    config_jsonschema: ClassVar[dict[str, Any]] = CONFIG
    message_writer_class = BufferedWriter
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        TapCapabilities.CATALOG,
        TapCapabilities.STATE,
        TapCapabilities.DISCOVER,
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]

    def __init__(self, **options: Any) -> None:  # noqa: ANN401
        """Take the options of the SDK's `Tap`."""
        self.stop = Stop()
        self._expected: dict[int, int] = {}
        for name, checked in (("catalog", inputs.catalog), ("state", inputs.state)):
            if options.get(name) is not None:
                options[name] = checked(options[name])
        super().__init__(**options)

    # Streams

    @override
    def discover_streams(self) -> Sequence[Stream]:
        """Make the streams of the catalogue, without settings or network.

        With a Singer catalog, only the streams it selects and their parents are made.
        """
        definitions = self.definitions
        selected = self._selected_in_catalog()
        if selected is not None:
            definitions = [
                definition
                for definition in definitions
                if definition.name in selected or definition.lines in selected
            ]
        streams_by_name = {definition.name: self._stream(definition) for definition in definitions}
        for definition in definitions:
            if definition.headers:
                streams_by_name[definition.headers].child_streams.append(
                    streams_by_name[definition.name]
                )
                self.logger.info(
                    "Added '%s' as child stream to '%s'", definition.name, definition.headers
                )
        streams: list[Stream] = [*streams_by_name.values()]
        if selected is None or posting_results.NAME in selected:
            streams.append(PostingResults(self, self.shared))
        return streams

    @cached_property
    def definitions(self) -> list[StreamDefinition]:
        """Definitions of all streams; custom streams come last."""
        use_sync = bool(self.config.get("use_sync_api", True))
        own = stream_definitions(catalogue.load(), use_sync=use_sync)
        return [
            *own,
            *custom.stream_definitions(
                self.config.get(custom_config.SETTING), own, catalogue.load()
            ),
        ]

    def _stream(self, definition: StreamDefinition) -> ExactStream:
        run = self.shared
        if isinstance(definition, custom.CustomDefinition):
            return ExactStream(self, run, definition, CustomReader)
        if definition.headers:
            return LineStream(self, run, definition)
        if definition.lines:
            return HeaderStream(
                self, run, definition, ExpandedReader if definition.expand else MixedReader
            )
        if definition.name == attachments.STREAM and run.reads_files:
            return ExactStream(self, run, definition, AttachmentReader)
        return ExactStream(self, run, definition)

    @property
    @override
    def catalog_dict(self) -> dict[str, Any]:
        """The discovered catalog, of the schemas as they are.

        The SDK makes an object of each node of a schema, and of the object a dict again: a tenth
        of the time that discovery takes.
        """
        return {"streams": [_catalog_entry(stream) for stream in self.streams.values()]}

    @property
    @override
    def catalog_json_text(self) -> str:
        """The discovered catalog as indented JSON, made several times as fast as by the SDK."""
        return msgspec.json.format(json.dumps(self.catalog_dict), indent=2)

    @override
    def setup_mapper(self) -> None:
        """Register the schemas of the input catalog, once the streams have completed them."""
        if self.input_catalog is not None:
            _ = self.streams
        selected = self._selected_in_catalog()
        self.mapper = Mapper(
            plugin_config=dict(self.config),
            logger=self.logger,
            is_selected=lambda name: selected is None or name in selected,
        )
        self.mapper.register_raw_streams_from_catalog(self.catalog)

    def _selected_in_catalog(self) -> set[str] | None:
        if self.input_catalog is None:
            return None
        return {
            name
            for name, entry in self.input_catalog.items()
            if entry.metadata.resolve_selection().get((), True)
        }

    # The run

    @cached_property
    def shared(self) -> Run:
        """The run that all streams take part in."""
        context = RunContext(
            config=self.config,
            state=self.state,
            started_at=datetime.fromtimestamp(self.initialized_at / 1000, timezone.utc),
            stop=self.stop,
            logger=self.logger,
        )
        return Run(
            context,
            self.definitions,
            selected_streams=self._selected_streams,
            write_state=self._send_state,
        )

    def _selected_streams(self) -> list[str]:
        return [name for name, stream in self.streams.items() if stream.selected]

    @property
    def connection(self) -> Connection:
        """The connection to Exact Online, opened at first use."""
        return self.shared.connection

    @property
    def planned(self) -> PlannedRun:
        """Input of the cost estimate: the run and its streams."""
        streams = self.streams.items()
        return PlannedRun(
            self.shared,
            {name: stream for name, stream in streams if isinstance(stream, ExactStream)},
        )

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        self.stop.ask(signum)

    def _send_state(self, state: Any) -> None:  # noqa: ANN401 - a type of the SDK's own
        self.state_writer.write_state(state)
        # An unchanged state makes no message, so nothing else would flush the records before it.
        self.flush()

    def flush(self) -> None:
        """Write buffered records."""
        if isinstance(self.message_writer, BufferedWriter):
            self.message_writer.flush()

    def close(self) -> None:
        """Close the store, if it was opened."""
        if "shared" in vars(self):
            self.shared.context.close()

    def finish(self) -> None:
        """Log the calls of the run, and raise if something was not read.

        Raises:
            The errors of `Failures.check`.
        """
        usage = self.connection.session.usage
        calls = Counter({division: count for division, count in usage.calls.items() if division})
        for division, count in sorted(calls.items()):
            expected = self._expected.get(division)
            expectation = f" ({expected} expected)" if expected else ""
            endpoints = ", ".join(
                f"{number} {endpoint}"
                for (owner, endpoint), number in usage.calls_by_endpoint.most_common()
                if owner == division
            )
            self.logger.info(
                "Division %s: %s%s: %s",
                division,
                counted(count, "API call"),
                expectation,
                endpoints,
            )
        log_metrics(usage, self.connection.budget)
        self.shared.failures.check()

    @classmethod
    @override
    def invoke(  # type: ignore[override]
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: Any = None,
        state: IO[str] | None = None,
        catalog: IO[str] | None = None,
        test: str = CliTestOptionValue.Disabled.value,
    ) -> None:
        """Run the tap from the command line; errors become exit codes."""
        if about:
            cls.print_about(about_format)
            return
        cls.print_version(print_fn=cls.logger.info)
        with closing(start.start(cls, config, state=state, catalog=catalog)) as tap:
            if test == CliTestOptionValue.Schema.value:
                tap.write_schemas()
                tap.flush()
                return
            try:
                tap.run() if test == CliTestOptionValue.Disabled.value else tap.try_out()
            except DailyLimitReached as limit:
                # Raised before any stream was read, such as by the list of divisions.
                if tap.config.get("on_daily_limit") == "fail":
                    raise
                tap.logger.warning("%s", limit)

    @classmethod
    @override
    def get_singer_command(cls) -> click.Command:
        """Build the command; `invoke` handles `--test`, so that it respects the catalog."""
        command = super().get_singer_command()
        for option in command.params:
            if option.name == "test":
                option.callback, option.expose_value = None, True
        return command

    def try_out(self) -> None:
        """Read one record of each selected stream, or of `TEST_STREAMS` without a catalog.

        Raises:
            The errors of `finish`.
        """
        self._check_settings()
        names = self._selected_in_catalog() or TEST_STREAMS
        names |= {
            definition.headers
            for definition in self.definitions
            if definition.headers and definition.name in names
        }
        streams = [stream for name, stream in self.streams.items() if name in names]
        with self.connection.noted_run(self.name):
            try:
                for stream in streams:
                    stream.ABORT_AT_RECORD_COUNT = 1
                    if stream.parent_stream_type is None:
                        with suppress(AbortedSyncFailedException, AbortedSyncPausedException):
                            stream.sync()
            finally:
                self._end_reading()
            self.finish()

    def _end_reading(self) -> None:
        """Stop the readers; write the records that are left, and the state that includes them."""
        self.shared.readers.stop()
        self.shared.states.flush()
        self.flush()

    def _check_settings(self) -> None:
        """Validate what JSON schema cannot, before the first API call.

        Raises:
            ConfigurationError: a setting or the selection is invalid.
        """
        _ = self.shared.context.start_date, self.shared.compared_streams
        self.shared.divisions.check()
        self._check_selection()

    def _check_selection(self) -> None:
        """Warn about unknown selected streams; fail if no known stream is selected."""
        selected = self._selected_in_catalog()
        if selected is None:
            return
        known = {*(definition.name for definition in self.definitions), posting_results.NAME}
        missing = sorted(selected - known)
        hints = [f"There is no stream {name}.{did_you_mean(name, known)}" for name in missing]
        if not selected & known:
            expectation = " ".join(["The catalog selects no stream.", *hints])
            raise ConfigurationError(f"{expectation} Select some, with select in Meltano.")
        for hint in hints:
            self.logger.warning("%s", hint)

    def run(self) -> None:
        """Sync all selected streams and log the outcome.

        Raises:
            The errors of `finish`.
        """
        # Discovery estimates nothing, and SQLAlchemy is slow to import.
        with uncollected():
            from tap_exactonline.estimate import cost, sources  # noqa: PLC0415

        self._check_settings()
        with self.connection.noted_run(self.name):
            planned, run = self.planned, self.shared
            lists = sources.list_sources(planned)
            run.progress.expected = sources.expected(planned, lists)
            costs = cost.estimate(planned, lists, FRESH_DAYS)
            self._expected = {
                division.division: division.calls
                for division in costs.divisions
                if not division.at_least
            }
            try:
                with on_terminal(run.progress):
                    self.sync_all()
            except SystemExit:
                self.logger.info("Stopped by a signal. The next run continues from here.")
                raise
            finally:
                self._end_reading()
            sources.record_sizes(planned, lists, costs.expected_calls)
            self.finish()


def _catalog_entry(stream: Stream) -> dict[str, Any]:
    bookmark = stream.replication_key
    return {
        "tap_stream_id": stream.tap_stream_id,
        **({} if bookmark is None else {"replication_key": bookmark}),
        "replication_method": stream.replication_method,
        "key_properties": stream.primary_keys or [],
        "schema": stream.schema,
        "stream": stream.name,
        "metadata": stream.metadata.to_list(),
    }
