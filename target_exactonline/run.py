"""A run of the target: connection, loaders, limits, and the end of the run."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cached_property
from itertools import groupby, islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from exactonline_client import connection
from exactonline_client.errors import (
    AccessDenied,
    ConfigurationError,
    DailyLimitReached,
    ExactOnlineError,
    RecordsRejected,
)
from exactonline_client.printable import counted
from exactonline_client.stopping import Stopped
from exactonline_client.store.outcomes import WRITTEN
from target_exactonline import stream_config
from target_exactonline.factory import LoaderFactory
from target_exactonline.grouping.buffer import DocumentBuffer
from target_exactonline.load import finalize
from target_exactonline.match_sets import model
from target_exactonline.match_sets.model import ENTITY as MATCH_SETS
from target_exactonline.results.results import Results
from target_exactonline.schema.entities import entities
from target_exactonline.schema.locale import Locale
from target_exactonline.unified.record import rewriter

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from exactonline_client.connection import Connection
    from exactonline_client.stopping import Stop
    from target_exactonline.load.load import Loader
    from target_exactonline.match_sets.loader import MatchSetLoader
    from target_exactonline.schema.entities import Entity
    from target_exactonline.schema.unified import UnifiedResource
    from target_exactonline.stream_config import StreamMapping


class Run:
    """Writes the records of a run to one division."""

    def __init__(self, config: Mapping[str, Any], stop: Stop, logger: logging.Logger) -> None:
        """`stop` is checked before each document."""
        self.config = config
        self.buffer = DocumentBuffer(
            self._stream_settings, config["reference_field"], lambda: self.connection.zone
        )
        """Records that form documents together, written at the end of the input."""
        self.received = 0
        """Number of documents received."""
        self.halted: DailyLimitReached | None = None
        """The error after which records are only counted."""
        self.is_last = False
        """Whether a signal was received, and the run writes what it has received before."""
        self._stop = stop
        self._logger = logger
        self._mappings: dict[str, StreamMapping] = {}
        self._loaders: dict[tuple[str, str], Loader] = {}

    @cached_property
    def connection(self) -> Connection:
        """The connection to Exact Online, opened at first use."""
        return connection.connect(self.config)

    @cached_property
    def division(self) -> int:
        """The division to write to."""
        return int(self.config.get("division") or self.connection.me["CurrentDivision"])

    @cached_property
    def results(self) -> Results:
        """The outcomes of the records."""
        return Results(self.division, self.config.get("results_path"), self.connection.clock)

    @cached_property
    def _stream_settings(self) -> dict[str, stream_config.StreamSetting]:
        return stream_config.parse_setting(self.config.get("streams"))

    @cached_property
    def _factory(self) -> LoaderFactory:
        """The factory of loaders; deletes expired entries of journal and lookups first."""
        factory = LoaderFactory(
            connection=self.connection,
            division=self.division,
            results=self.results,
            config=self.config,
            check_stop=self._check_stop,
            known_by=self._known_by,
        )
        if not self.config.get("dry_run"):
            unsearchable = [
                entity.endpoint.id for entity in entities().values() if not entity.is_searchable
            ]
            factory.journal.purge(self.config["results_days"], [*unsearchable, MATCH_SETS])
            factory.lookups.purge()
        return factory

    def check_division(self) -> None:
        """Check that the user is signed in and may open the division.

        Raises:
            ConfigurationError: the division is not one of the user's.
            SignInNeeded and the errors of `Session.get`.
        """
        name = self.connection.division_name(self.division)
        self._logger.info(
            "Signed in as %s; division %s (%s) can be opened. Nothing was written.",
            self.connection.me["FullName"],
            self.division,
            name,
        )

    # Streams and their loaders

    def map_stream(self, stream_name: str) -> StreamMapping:
        """Map a stream to an entity.

        Raises:
            ConfigurationError: no entity matches, or it cannot be written.
        """
        if stream_name not in self._mappings:
            self._mappings[stream_name] = stream_config.map_stream(
                stream_name, self._stream_settings, self.config["reference_field"]
            )
        return self._mappings[stream_name]

    @staticmethod
    def is_of_match_sets(stream_name: str) -> bool:
        """Return whether the records of a stream are match sets."""
        return model.is_match_set_stream(stream_name)

    def writes(self, stream_name: str, endpoint: str) -> bool:
        """Return whether a stream is written to this endpoint."""
        if self.is_of_match_sets(stream_name):
            return endpoint == MATCH_SETS
        return self.map_stream(stream_name).entity.endpoint.id == endpoint

    def rewriter(self, resource: UnifiedResource) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
        """Return what gives records of a unified resource Exact's names."""
        config = self.config
        return rewriter(
            resource,
            Locale(config["decimal"], config["dates"]),
            finalizes=config["finalize"] != finalize.NONE,
        )

    def loader(self, mapping: StreamMapping) -> Loader:
        """Return the loader of a stream; streams with the same entity and reference share one.

        Raises:
            ConfigurationError: the entity cannot be searched by the reference field.
        """
        key = (mapping.entity.stream, mapping.reference_setting)
        if key not in self._loaders:
            self._loaders[key] = self._factory.loader(mapping.entity, mapping.reference_setting)
        return self._loaders[key]

    @cached_property
    def match_sets(self) -> MatchSetLoader:
        """The loader of match sets."""
        return self._factory.match_sets()

    def _all_loaders(self) -> Iterator[Loader | MatchSetLoader]:
        """Iterate over the loaders created so far."""
        yield from self._loaders.values()
        if "match_sets" in vars(self):
            yield self.match_sets

    def _known_by(self, stream_name: str, entity: Entity) -> str | None:
        """Return the reference field of a stream for an entity; None if not known from settings."""
        try:
            mapping = self.map_stream(stream_name)
        except ConfigurationError:
            # The stream is one of another run with other settings and the same store.
            return None
        return mapping.reference_field if mapping.entity == entity else None

    # Writing

    def accept(self) -> bool:
        """Count a received record; return whether to write it."""
        self.received += 1
        return not self.halted

    def load(self, mapping: StreamMapping, records: Sequence[dict[str, Any]]) -> None:
        """Load records of a stream, each of them a document."""
        with self._writing():
            self.loader(mapping).load(mapping.stream, records)

    def load_match_sets(self, stream_name: str, records: Sequence[dict[str, Any]]) -> None:
        """Load match sets, which belong to no entity."""
        with self._writing():
            self.match_sets.load(stream_name, records)

    def finish(self) -> None:
        """Load the buffered documents, and settle documents that were put off.

        Raises:
            AccessDenied: documents were denied, and none was written.
        """
        self._load_buffered()
        for loader in self._all_loaders():
            with self._writing():
                loader.finish()
        denials = self.denials
        if denials and not any(self.results.counts[status] for status in WRITTEN):
            raise denials[0]

    def _load_buffered(self) -> None:
        """Load the buffered documents in batches."""
        if self.buffer.dropped_lines:
            self._logger.warning(
                "%s deleted lines were left out: a line is only deleted with its document, or by "
                "a document that comes without it.",
                self.buffer.dropped_lines,
            )
        by_stream = groupby(self.buffer.documents(), key=itemgetter(0))
        for stream_name, pairs in by_stream:
            mapping = self.map_stream(stream_name)
            records = (record for _, record in pairs)
            while batch := list(islice(records, self.config["batch_size_rows"])):
                self.load(mapping, batch)

    @property
    def denials(self) -> list[AccessDenied]:
        """Denials of entities since a document of the same entity was written."""
        return [error for loader in self._loaders.values() for error in loader.denials]

    # The end

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Handle errors that end the writing while there is more input.

        At the daily limit the input is read to its end, so that the tap can finish.
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
            raise self.connection.explain_denial(self.division, denial) from None
        except ExactOnlineError:
            self._report()
            raise

    def conclude(self) -> None:
        """Log the summary of the run.

        Raises:
            RecordsRejected: some records were rejected, also if the others were written.
            ConfigurationError: the results file could not be written completely.
        """
        if not (self.received or self._has_results):
            return
        self._report()
        if self.halted:
            left = self.received - self.results.counts.total()
            records = counted(left, "record is", "records are")
            self._logger.warning("%s %s left for it.", self.halted, records)
        if self.results.failed:
            of_all = f" of {self.received}" if self.received else ""
            noun = "record" if (self.received or self.results.failed) == 1 else "records"
            verb = "was" if self.results.failed == 1 else "were"
            raise RecordsRejected(
                f"{self.results.failed}{of_all} {noun} {verb} rejected or left unfinished "
                "(see above). Correct and load again; what was written stays as it is. Values are "
                "not in the log, but in results_path and, unless this was a dry run, in "
                "exactonline results."
            )
        if self.results.unwritten:
            raise self.results.unwritten

    def _report(self) -> None:
        for loader in self._all_loaders():
            loader.give_up()
        if self.received or self._has_results:
            self._logger.info(self.results.summary())

    @property
    def _has_results(self) -> bool:
        """Whether there are outcomes, also of documents that earlier runs left."""
        return "results" in vars(self) and bool(self.results.counts)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Convert the stop that a loader raises between two documents into `Stopped`."""
        try:
            yield
        except SystemExit:
            # The loader has reported the documents that it held back.
            raise self.stopped() from None

    def _check_stop(self) -> None:
        if not self.is_last:
            self._stop.check()

    def stopped(self) -> Stopped:
        """Log the summary after a signal; return the exception that ends the run."""
        self._logger.info("Stopped by a signal. The next run continues from here.")
        self._report()
        if not self._has_results:
            return Stopped(0)
        if self.results.failed:
            return Stopped(RecordsRejected.exit_code)
        return Stopped(self.results.unwritten.exit_code if self.results.unwritten else 0)

    def close(self) -> None:
        """Close the results file and the store."""
        if "results" in vars(self):
            self.results.close()
        if "connection" in vars(self):
            self.connection.close()
