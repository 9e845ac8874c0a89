"""target-exactonline: Singer records in, documents at Exact Online out."""

from __future__ import annotations

from contextlib import closing, contextmanager
from copy import deepcopy
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any, ClassVar

from singer_sdk import Target
from singer_sdk.exceptions import MappingError, SyncError
from singer_sdk.helpers.capabilities import PluginCapabilities
from typing_extensions import override

from exactonline_client import connection, plugin
from exactonline_client.errors import (
    ConfigurationError,
    DailyLimitReached,
    ExactOnlineError,
    RecordsRejected,
)
from exactonline_client.settings import DISTRIBUTION
from target_exactonline import entities
from target_exactonline.documents import preparer
from target_exactonline.load import Loader
from target_exactonline.messages import MessageReader
from target_exactonline.results import Results
from target_exactonline.settings import SCHEMA
from target_exactonline.sinks import TEST_STREAM, DocumentSink, ProbeSink

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from singer_sdk.helpers.capabilities import CapabilitiesEnum
    from singer_sdk.sinks import Sink

    from exactonline_client.connection import Connection


class TargetExactOnline(Target):
    """Creates documents in Exact Online from Singer records, each of them once."""

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
        super().__init__(**options)
        # Exact Online asks for one request at a time in a division.
        self.max_parallelism = 1
        self.received = 0
        """Records that came in for writing."""
        self.halted: DailyLimitReached | None = None
        """Why records are only counted from here on."""
        self._loaders: dict[str, Loader] = {}
        self._writing = False
        self._terminated = False
        self._written_state: dict[str, Any] | None = None

    @classmethod
    @override
    def append_builtin_config(cls, config_jsonschema: dict[str, Any]) -> None:
        super().append_builtin_config(config_jsonschema)
        # A document has no place for Singer's metadata, and made-up data none in the books.
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
        """Run from the command line, and end with an exit code that tells how it went."""
        if about:
            cls.print_about(about_format)
            return
        cls.print_version(print_fn=cls.logger.info)
        target = plugin.start(cls, config)
        with closing(target), target.connection.noted_run(cls.name):
            try:
                target.listen(file_input)
            except (SyncError, MappingError) as error:
                raise ExactOnlineError(f"The input cannot be loaded: {error}") from None

    @cached_property
    def connection(self) -> Connection:
        """The connection to Exact Online, opened when it is first needed."""
        return connection.connect(self.config)

    @cached_property
    def division(self) -> int:
        """The division to write to."""
        return int(self.config.get("division") or self.connection.me["CurrentDivision"])

    @cached_property
    def results(self) -> Results:
        """What became of the records."""
        return Results(
            self.connection.store,
            self.connection.app.key,
            self.division,
            self.config.get("results_path"),
        )

    def check_division(self) -> None:
        """Make sure that the user is signed in and may open the division.

        Raises:
            ConfigurationError: the division is not one of the user's.
            SignInNeeded and the errors of `Session.get`.
        """
        possible = {row["Code"]: row["Description"] for row in self.connection.divisions}
        if self.division not in possible:
            names = ", ".join(f"{code} ({name})" for code, name in possible.items())
            raise ConfigurationError(
                f"Setting division: {self.division} is none that "
                f"{self.connection.me['FullName']} may open. Choose one of {names}."
            )
        self.logger.info(
            "Signed in as %s; division %s (%s) can be opened. Nothing was written.",
            self.connection.me["FullName"],
            self.division,
            possible[self.division],
        )

    def loader(self, stream_name: str) -> Loader:
        """The loader of a stream's entity; streams of one entity share it.

        Raises:
            ConfigurationError: nothing can be written for the stream.
        """
        entity = entities.find(stream_name)
        if entity.stream not in self._loaders:
            reference_field = self.config["reference_field"]
            prepare = preparer(entity, reference_field, self.connection.zone)
            self._loaders[entity.stream] = Loader(
                self.connection,
                self.division,
                entity,
                reference_field,
                self.results,
                prepare,
                1 if self.config["on_error"] == "fail" else self.config.get("max_errors"),
                self._check_stop,
            )
        return self._loaders[entity.stream]

    @override
    def get_sink_class(self, stream_name: str) -> type[Sink]:
        return ProbeSink if stream_name == TEST_STREAM else DocumentSink

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Handle what ends the writing while messages are still coming in.

        At the daily limit the input is read to its end, so that the tap can finish in peace.
        """
        try:
            yield
        except DailyLimitReached as limit:
            if self.config["on_daily_limit"] == "fail":
                self._report()
                raise
            self.halted = limit
        except ExactOnlineError:
            self._report()
            raise

    @override
    def _process_record_message(self, message_dict: dict[str, Any]) -> None:
        with self._guarded():
            super()._process_record_message(message_dict)

    @override
    def _process_state_message(self, message_dict: dict[str, Any]) -> None:
        """Pass a state on at once, after everything before it is durable.

        The SDK takes a new state over first and drains later, so that a drain that fails would
        leave it with a state it must not pass on.
        """
        with self._guarded():
            self.drain_all()
        if not self.halted:
            super()._process_state_message(message_dict)
            self.drain_all()

    @override
    def _process_batch_message(self, message_dict: dict[str, Any]) -> None:
        raise ConfigurationError(
            f"Stream {message_dict.get('stream')!r} comes in files (BATCH messages), which "
            "cannot be read. Remove batch_config from the settings of the tap."
        )

    @override
    def _write_state_message(self, state: dict[str, Any]) -> None:
        if state != self._written_state:
            super()._write_state_message(state)
            self._written_state = state

    @override
    def process_endofpipe(self) -> None:
        """Write what is left and say how it went.

        Raises:
            RecordsRejected: some records were, also if the others were written.
        """
        with self._guarded():
            super().process_endofpipe()
        if not self.received:
            return
        self._report()
        if self.halted:
            left = self.received - self.results.counts.total()
            self.logger.warning("%s %s records are left for it.", self.halted, left)
        if self.results.failed:
            raise RecordsRejected(
                f"{self.results.failed} of {self.received} records were rejected, for the reasons "
                "above. Correct them and load them again; those that were written stay as they are."
            )

    def _report(self) -> None:
        if self.received:
            self.logger.info(self.results.summary())

    def close(self) -> None:
        """Close the results file and the store."""
        if "results" in vars(self):
            self.results.close()
        if "connection" in vars(self):
            self.connection.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """While this lasts, a request to terminate waits for the document at hand."""
        self._writing = True
        try:
            yield
        finally:
            self._writing = False

    def _check_stop(self) -> None:
        if self._terminated:
            self._report()
            raise SystemExit(0)

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        if self._writing:
            self.logger.info("Signal %s: stopping after the document at hand.", signum)
            self._terminated = True
        else:
            super()._handle_termination(signum, frame)


def main() -> None:
    """Run as a program."""
    plugin.run(TargetExactOnline)
