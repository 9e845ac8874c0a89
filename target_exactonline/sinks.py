"""The sinks of the target: for documents, for match sets, and for Meltano's test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk.sinks import BatchSink, RecordSink, Sink
from typing_extensions import override

from target_exactonline.stream_config import LINE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from singer_sdk.target_base import Target

    from target_exactonline.run import Run

TEST_STREAM = "meltano_test_stream"
"""What `meltano config test` sends to find out whether a target works."""


class _Unchecked(Sink):
    """Takes records as they are: they are checked by what the API takes, and rejected singly.

    The SDK's check would also fetch what a schema points at, from the network or from a file.
    """

    @override
    def get_validator(self) -> None:
        return None

    @override
    def _validate_and_parse(self, record: dict[str, Any]) -> dict[str, Any]:
        # A date that cannot be parsed is one record's problem; the SDK would end the run.
        return record

    @override
    def _singer_validate_message(self, record: dict[str, Any]) -> None:
        # The same holds for a record without its key.
        return


class DocumentSink(_Unchecked, BatchSink):
    """Collects the records of one stream and hands them to the loader of its entity.

    Those that are no whole document wait for the end of the input.
    """

    def __init__(  # noqa: PLR0913 - four of them are the SDK's
        self,
        target: Target,
        stream_name: str,
        schema: dict[str, Any],
        key_properties: Sequence[str] | None,
        *,
        run: Run,
        drain_before: Callable[[Sink], None],
    ) -> None:
        """`drain_before` writes what other streams brought before a sink.

        Raises:
            ConfigurationError: nothing can be written for the stream.
        """
        super().__init__(target, stream_name, schema, key_properties)
        self._run = run
        self._drain_before = drain_before
        self._mapping = run.map_stream(stream_name)
        if self._mapping.part != LINE:
            run.loader(self._mapping)
        run.buffer.expect(self._mapping, self.key_properties)

    @override
    def _remove_sdc_metadata_from_record(self, record: dict[str, Any]) -> None:
        # One of these columns tells that a record was deleted; the others are left out later.
        return

    @override
    def process_record(self, record: dict[str, Any], context: dict[str, Any]) -> None:
        if self._run.buffer.take(self._mapping, self.key_properties, record):
            return
        if self._run.accept():
            super().process_record(record, context)

    @override
    def process_batch(self, context: dict[str, Any]) -> None:
        records = context.get("records")
        if records:
            self._drain_before(self)
            self._run.load(self._mapping, records)


class MatchSetSink(_Unchecked, BatchSink):
    """Collects match sets."""

    def __init__(
        self,
        target: Target,
        stream_name: str,
        schema: dict[str, Any],
        key_properties: Sequence[str] | None,
        *,
        run: Run,
    ) -> None:
        """Make it for one stream."""
        super().__init__(target, stream_name, schema, key_properties)
        self._run = run
        # What earlier runs left is taken up, also where no record comes.
        _ = run.match_sets

    @override
    def process_record(self, record: dict[str, Any], context: dict[str, Any]) -> None:
        if self._run.accept():
            super().process_record(record, context)

    @override
    def process_batch(self, context: dict[str, Any]) -> None:
        self._run.load_match_sets(self.stream_name, context.get("records", []))


class ProbeSink(_Unchecked, RecordSink):
    """Makes sure that the target could write, and writes nothing."""

    def __init__(
        self,
        target: Target,
        stream_name: str,
        schema: dict[str, Any],
        key_properties: Sequence[str] | None,
        *,
        run: Run,
    ) -> None:
        """Raises the errors of a sign-in that fails or a division that cannot be opened."""
        super().__init__(target, stream_name, schema, key_properties)
        run.check_division()

    @override
    def process_record(self, record: dict[str, Any], context: dict[str, Any]) -> None:
        """Ignore it."""
