"""target-exactonline: Singer records in, documents at Exact Online out."""

from __future__ import annotations

import json
from contextlib import closing, contextmanager
from copy import deepcopy
from functools import cached_property
from itertools import groupby, islice
from operator import itemgetter
from typing import IO, TYPE_CHECKING, Any, ClassVar

from singer_sdk import Target
from singer_sdk.exceptions import MappingError, SyncError
from singer_sdk.helpers.capabilities import PluginCapabilities
from typing_extensions import override

from exactonline_client import connection
from exactonline_client.errors import (
    AccessDenied,
    ConfigurationError,
    DailyLimitReached,
    ExactOnlineError,
    RecordsRejected,
)
from exactonline_client.plugin import start
from exactonline_client.plugin.settings import DISTRIBUTION
from exactonline_client.plugin.stdout import Output
from exactonline_client.plugin.stream_maps import Mapper
from exactonline_client.stopping import Stop
from target_exactonline import stream_config
from target_exactonline.factory import Workshop
from target_exactonline.grouping.buffer import Gathering
from target_exactonline.grouping.header_lines import prepared
from target_exactonline.mapping import folder
from target_exactonline.mapping.prepare import Preparation, preparer
from target_exactonline.match_sets import model
from target_exactonline.match_sets.loader import ENTITY as MATCH_SETS
from target_exactonline.match_sets.loader import MatchSetLoader
from target_exactonline.message_reader import MessageReader
from target_exactonline.results.outcome import WRITTEN
from target_exactonline.results.results import Results
from target_exactonline.schema.entities import entities
from target_exactonline.settings import SCHEMA
from target_exactonline.sinks import TEST_STREAM, DocumentSink, MatchSetSink, ProbeSink

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType

    from singer_sdk.helpers.capabilities import CapabilitiesEnum
    from singer_sdk.sinks import Sink

    from exactonline_client.connection import Connection
    from target_exactonline.load.load import Loader
    from target_exactonline.match_sets.loader import MatchSetLoader
    from target_exactonline.schema.entities import Entity
    from target_exactonline.stream_config import Feed


class _StoppedWriting(SystemExit):
    """The run was asked to stop, and has said how it went."""


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
        self.stop = Stop()
        super().__init__(**options)
        if isinstance(self.message_reader, MessageReader):
            self.message_reader.waiting = self.stop.waiting
        self._output = Output()
        # Exact Online asks for one request at a time in a division.
        self.max_parallelism = 1
        self._chosen = stream_config.choices(self.config.get("streams"))
        self.gathering = Gathering(
            self._chosen, self.config["reference_field"], lambda: self.connection.zone
        )
        """Records that are written at the end of the input, put together."""
        self.received = 0
        """Documents that came in for writing."""
        self.halted: DailyLimitReached | None = None
        """Why records are only counted from here on."""
        self._loaders: dict[tuple[str, str], Loader] = {}
        self._is_last = False
        """Whether what is being written is the last, since the run was asked to stop."""
        self._written_state: dict[str, Any] | None = None
        self._held_state: dict[str, Any] | None = None
        """A message with the state that may be passed on once the gathered records are written, and
        what was denied proves to be a matter of single records."""

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
        target = start.start(cls, config)
        with closing(target), target.connection.noted_run(cls.name):
            try:
                target.load_all(file_input)
            except (SyncError, MappingError) as error:
                raise ExactOnlineError(f"The input cannot be loaded: {error}") from None

    @override
    def setup_mapper(self) -> None:
        self.mapper = Mapper(plugin_config=dict(self.config), logger=self.logger)

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
        return Results(self.division, self.config.get("results_path"), self.connection.clock)

    @cached_property
    def workshop(self) -> Workshop:
        """What loaders are made of; what the journal need not know any more is forgotten first."""
        workshop = Workshop(
            self.connection,
            self.division,
            self.results,
            self.config,
            self._check_stop,
            self._known_by,
        )
        if not self.config.get("dry_run"):
            unsearchable = [
                entity.endpoint.id for entity in entities().values() if not entity.is_searchable
            ]
            workshop.journal.purge(self.config["results_days"], [*unsearchable, MATCH_SETS])
            workshop.lookups.purge()
        return workshop

    def check_division(self) -> None:
        """Make sure that the user is signed in and may open the division.

        Raises:
            ConfigurationError: the division is not one of the user's.
            SignInNeeded and the errors of `Session.get`.
        """
        name = self.connection.division_name(self.division)
        self.logger.info(
            "Signed in as %s; division %s (%s) can be opened. Nothing was written.",
            self.connection.me["FullName"],
            self.division,
            name,
        )

    def feed(self, stream_name: str) -> Feed:
        """What the records of a stream are.

        Raises:
            ConfigurationError: nothing can be written for the stream.
        """
        return stream_config.feed(stream_name, self._chosen, self.config["reference_field"])

    def writes(self, stream_name: str, endpoint: str) -> bool:
        """Whether the records of a stream become rows of this very endpoint."""
        if model.are_meant_by(stream_name):
            return endpoint == MATCH_SETS
        return self.feed(stream_name).entity.endpoint.id == endpoint

    def loader(self, feed: Feed) -> Loader:
        """The loader of a stream's entity; streams of one entity and reference share it.

        Raises:
            ConfigurationError: the entity cannot be searched by that reference.
        """
        entity, reference_field = feed.entity, feed.reference_setting
        key = (entity.stream, reference_field)
        if key not in self._loaders:
            preparation = Preparation(
                reference_field,
                self.config["nulls"],
                frozenset(self.config["create_missing"]),
                folder.named(self.config.get(folder.SETTING), self.connection.store.folder),
            )
            prepare = preparer(entity, preparation, self.connection.zone, self.division)
            self._loaders[key] = self.workshop.loader(entity, reference_field, prepared(prepare))
        return self._loaders[key]

    def _known_by(self, stream_name: str, entity: Entity) -> str | None:
        """The reference field of a stream's documents of an entity, as far as settings tell."""
        try:
            feed = self.feed(stream_name)
        except ConfigurationError:
            # The settings of another run, which share this store, say what it is.
            return None
        return feed.reference_field if feed.entity == entity else None

    def load(self, feed: Feed, records: Sequence[dict[str, Any]]) -> None:
        """Load records of a stream, all of them whole documents."""
        with self._writing_document():
            self.loader(feed).load(feed.stream, records)

    @cached_property
    def match_sets(self) -> MatchSetLoader:
        """The loader of match sets."""
        return self.workshop.match_sets()

    def load_match_sets(self, stream_name: str, records: Sequence[dict[str, Any]]) -> None:
        """Load match sets, which are no documents of an entity."""
        with self._writing_document():
            self.match_sets.load(stream_name, records)

    def _load_gathered(self) -> None:
        """Load what was put together of several records, in batches."""
        if self.gathering.left_out:
            self.logger.warning(
                "%s deleted lines were left out: a line is only deleted with its document, or by "
                "a document that comes without it.",
                self.gathering.left_out,
            )
        by_stream = groupby(self.gathering.documents(), key=itemgetter(0))
        for stream_name, pairs in by_stream:
            feed = self.feed(stream_name)
            records = (record for _, record in pairs)
            while batch := list(islice(records, self.config["batch_size_rows"])):
                self.load(feed, batch)

    def _finish(self) -> None:
        """Settle what the loaders have put off, such as documents in doubt."""
        for loader in self._all_loaders():
            with self._writing_document():
                loader.finish()

    def _check_denied(self) -> None:
        """End in the denial where that is all that came of the run.

        Raises:
            AccessDenied: documents were denied, and none was written.
        """
        denials = self._denials
        if denials and not any(self.results.counts[status] for status in WRITTEN):
            raise denials[0]

    @property
    def _denials(self) -> list[AccessDenied]:
        """Why documents were denied since one of their kind was written."""
        return [error for loader in self._loaders.values() for error in loader.denials]

    def _all_loaders(self) -> Iterator[Loader | MatchSetLoader]:
        """The loaders that were needed so far."""
        yield from self._loaders.values()
        if "match_sets" in vars(self):
            yield self.match_sets

    def drain_before(self, sink: Sink) -> None:
        """Write what other streams brought before: the records of a sink may refer to it."""
        active = list(self._sinks_active.values())
        for other in active[: active.index(sink)] if sink in active else ():
            self.drain_one(other)

    @override
    def get_sink_class(self, stream_name: str) -> type[Sink]:
        if stream_name == TEST_STREAM:
            return ProbeSink
        return MatchSetSink if model.are_meant_by(stream_name) else DocumentSink

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
        except AccessDenied as denial:
            self._report()
            raise self.connection.why_denied(self.division, denial) from None
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
        if self.halted:
            return
        if self.gathering.is_empty and not self._denials:
            self._held_state = None
            super()._process_state_message(message_dict)
            self.drain_all()
        else:
            self._held_state = message_dict

    @override
    def _process_activate_version_message(self, message_dict: dict[str, Any]) -> None:
        """Nothing: no document is removed because a table was loaded afresh."""

    @override
    def _process_batch_message(self, message_dict: dict[str, Any]) -> None:
        raise ConfigurationError(
            f"Stream {message_dict.get('stream')!r} comes in files (BATCH messages), which "
            "cannot be read. Remove batch_config from the settings of the tap."
        )

    @override
    def _write_state_message(self, state: dict[str, Any]) -> None:
        # What a dry run has looked at is still to be written.
        if state != self._written_state and not self.config.get("dry_run"):
            self._output.write(json.dumps(state).encode() + b"\n")
            self._written_state = state

    def load_all(self, file_input: IO[str] | None) -> None:
        """Load what comes in, until it ends or the run is asked to stop.

        Raises:
            SystemExit: it was asked to stop.
            The errors of `process_endofpipe`.
        """
        try:
            self.listen(file_input)
        except _StoppedWriting:
            raise
        except SystemExit:
            self.logger.info("Asked to stop: writing what has come in.")
            self._is_last = True
            with self._guarded():
                self.drain_all(is_endofpipe=True)
            if self.halted:
                self.logger.warning("%s", self.halted)
            raise self._stopped() from None

    @override
    def process_endofpipe(self) -> None:
        """Write what is left and say how it went.

        Raises:
            RecordsRejected: some records were, also if the others were written.
        """
        self.received += len(self.gathering)
        with self._guarded():
            self.drain_all()
            if not self.halted:
                self._load_gathered()
                self._finish()
                self._check_denied()
        if self._held_state and not self.halted:
            super()._process_state_message(self._held_state)
        with self._guarded():
            super().process_endofpipe()
        if not (self.received or self._has_results):
            return
        self._report()
        if self.halted:
            left = self.received - self.results.counts.total()
            self.logger.warning("%s %s records are left for it.", self.halted, left)
        if self.results.failed:
            of_all = f" of {self.received}" if self.received else ""
            raise RecordsRejected(
                f"{self.results.failed}{of_all} records were rejected or left unfinished, for the "
                "reasons above; their values are not in the log, but in results_path and, after a "
                "run that was no dry run, in exactonline results. Correct them and load them "
                "again; those that were written stay as they are."
            )
        if self.results.unwritten:
            raise self.results.unwritten

    def _report(self) -> None:
        for loader in self._all_loaders():
            loader.give_up()
        if self.received or self._has_results:
            self.logger.info(self.results.summary())

    @property
    def _has_results(self) -> bool:
        """Whether anything was done, if only for what earlier runs left."""
        return "results" in vars(self) and bool(self.results.counts)

    def close(self) -> None:
        """Close the results file and the store."""
        if "results" in vars(self):
            self.results.close()
        if "connection" in vars(self):
            self.connection.close()

    @contextmanager
    def _writing_document(self) -> Iterator[None]:
        """While this lasts, a request to stop waits for the document at hand."""
        try:
            yield
        except SystemExit:
            # Raised where the loaders ask, who have told by now what they held back.
            raise self._stopped() from None

    def _check_stop(self) -> None:
        if not self._is_last:
            self.stop.check()

    def _stopped(self) -> _StoppedWriting:
        """The end of a run that was asked to terminate, after saying how it went."""
        self.logger.info("Stopped by a signal. The next run goes on from here.")
        self._report()
        if not self._has_results:
            return _StoppedWriting(0)
        if self.results.failed:
            return _StoppedWriting(RecordsRejected.exit_code)
        return _StoppedWriting(self.results.unwritten.exit_code if self.results.unwritten else 0)

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        self.stop.ask(signum)


def main() -> None:
    """Run as a program."""
    start.run(TargetExactOnline)
