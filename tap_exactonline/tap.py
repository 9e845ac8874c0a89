"""The tap: which streams there are, and what they share in a run."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from datetime import datetime, timezone
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any, ClassVar

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
from exactonline_client.plugin.settings import DISTRIBUTION
from exactonline_client.plugin.stream_maps import Mapper
from exactonline_client.stopping import Stop
from tap_exactonline.context import RunContext
from tap_exactonline.definitions import custom, custom_config
from tap_exactonline.definitions.definition import plans
from tap_exactonline.estimate import cost, sources
from tap_exactonline.estimate.sources import PlannedRun
from tap_exactonline.message_writer import PieceWriter
from tap_exactonline.progress.progress import measure, on_terminal
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
    from tap_exactonline.definitions.definition import Plan


TRIED_OUT = {"accounts", "items", "journals"}
"""The streams that a test without a catalog reads: short ones, of the modules that most have."""


class TapExactOnline(Tap):
    """Reads Exact Online: every readable entity as a stream, changes and deletes included."""

    name = "tap-exactonline"
    package_name = DISTRIBUTION
    config_jsonschema: ClassVar[dict[str, Any]] = CONFIG
    message_writer_class = PieceWriter
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
        """All streams of the catalogue; needs neither settings nor a network.

        With a Singer catalog only those are made that it selects, and the parents they need.
        """
        found = self.plans
        selected = self._selected_in_catalog()
        if selected is not None:
            found = [plan for plan in found if plan.name in selected or plan.lines in selected]
        made = {plan.name: self._stream(plan) for plan in found}
        for plan in found:
            if plan.headers:
                made[plan.headers].child_streams.append(made[plan.name])
                self.logger.info("Added '%s' as child stream to '%s'", plan.name, plan.headers)
        streams: list[Stream] = [*made.values()]
        if selected is None or posting_results.NAME in selected:
            streams.append(PostingResults(self, self.shared))
        return streams

    @cached_property
    def plans(self) -> list[Plan]:
        """The plans of all streams, those of the user's own last."""
        use_sync = bool(self.config.get("use_sync_api", True))
        own = plans(catalogue.load(), use_sync=use_sync)
        return [*own, *custom.plans(self.config.get(custom_config.SETTING), own, catalogue.load())]

    def _stream(self, plan: Plan) -> ExactStream:
        run = self.shared
        if isinstance(plan, custom.CustomPlan):
            return ExactStream(self, run, plan, CustomReader)
        if plan.headers:
            return LineStream(self, run, plan)
        if plan.lines:
            return HeaderStream(self, run, plan, ExpandedReader if plan.expand else MixedReader)
        if plan.name == attachments.STREAM and run.reads_files:
            return ExactStream(self, run, plan, AttachmentReader)
        return ExactStream(self, run, plan)

    @override
    def setup_mapper(self) -> None:
        """Take the schemas from the user's catalog, which the streams complete first."""
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
        """What the streams share."""
        context = RunContext(
            config=self.config,
            state=self.state,
            started_at=datetime.fromtimestamp(self.initialized_at / 1000, timezone.utc),
            stop=self.stop,
            logger=self.logger,
        )
        return Run(
            context,
            self.plans,
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
        """What an estimate of the run looks at."""
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
        # A state that is as it was is no message, and takes no records along.
        self.flush()

    def flush(self) -> None:
        """Write the records that are kept back."""
        if isinstance(self.message_writer, PieceWriter):
            self.message_writer.flush()

    def finish(self) -> None:
        """Say what the run has cost, and end in an error if something was not read.

        Raises:
            The errors of `Failures.check`.
        """
        usage = self.connection.session.usage
        calls = Counter({division: count for division, count in usage.calls.items() if division})
        for division, count in sorted(calls.items()):
            expected = self._expected.get(division)
            told = f", where {expected} were expected" if expected else ""
            self.logger.info("Division %s: %d API calls%s", division, count, told)
        measure(usage, self.connection.budget)
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
        """Run the tap from the command line, and end with an exit code that tells how it went."""
        if about:
            cls.print_about(about_format)
            return
        cls.print_version(print_fn=cls.logger.info)
        tap = start.start(cls, config, state=state, catalog=catalog)
        if test == CliTestOptionValue.Schema.value:
            tap.write_schemas()
            tap.flush()
            return
        try:
            tap.run() if test == CliTestOptionValue.Disabled.value else tap.try_out()
        except DailyLimitReached as limit:
            # It came before any stream could be read.
            if tap.config.get("on_daily_limit") == "fail":
                raise
            tap.logger.warning("%s", limit)

    @classmethod
    @override
    def get_singer_command(cls) -> click.Command:
        """The command line; a test looks at the catalog that comes along."""
        command = super().get_singer_command()
        for option in command.params:
            if option.name == "test":
                option.callback, option.expose_value = None, True
        return command

    def try_out(self) -> None:
        """Read one record of each selected stream; without a catalog, of a few.

        Raises:
            The errors of `finish`.
        """
        self._check_settings()
        wanted = self._selected_in_catalog() or TRIED_OUT
        wanted |= {plan.headers for plan in self.plans if plan.headers and plan.name in wanted}
        streams = [stream for name, stream in self.streams.items() if name in wanted]
        with self.connection.noted_run(self.name):
            try:
                for stream in streams:
                    stream.ABORT_AT_RECORD_COUNT = 1
                    if stream.parent_stream_type is None:
                        with suppress(AbortedSyncFailedException, AbortedSyncPausedException):
                            stream.sync()
            finally:
                self.shared.readers.stop()
                self.flush()
            self.finish()

    def _check_settings(self) -> None:
        """Look at what a schema cannot tell right from wrong, before anything is asked.

        Raises:
            ConfigurationError: one of them is wrong.
        """
        _ = self.shared.context.start_date, self.shared.compared
        self.shared.divisions.check()
        self._check_selection()

    def _check_selection(self) -> None:
        """Warn of selected streams that there are not; none at all is no run."""
        selected = self._selected_in_catalog()
        if selected is None:
            return
        known = {*(plan.name for plan in self.plans), posting_results.NAME}
        missing = sorted(selected - known)
        hints = [f"There is no stream {name}.{did_you_mean(name, known)}" for name in missing]
        if not selected & known:
            told = " ".join(["The catalog selects no stream.", *hints])
            raise ConfigurationError(f"{told} Select some, with select in Meltano.")
        for hint in hints:
            self.logger.warning("%s", hint)

    def run(self) -> None:
        """Read, and say how it went.

        Raises:
            The errors of `finish`.
        """
        self._check_settings()
        with self.connection.noted_run(self.name):
            planned, run = self.planned, self.shared
            lists = sources.of(planned)
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
                self.logger.info("Stopped by a signal. The next run goes on from here.")
                raise
            finally:
                run.readers.stop()
                run.states.flush()
                self.flush()
            sources.note(planned, lists, costs.expected_calls)
            self.finish()


def main() -> None:
    """The console script."""
    start.run(TapExactOnline)


if __name__ == "__main__":
    main()
