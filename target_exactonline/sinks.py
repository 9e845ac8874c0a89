"""Sinks of the target: documents, match sets, and Meltano's connection test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk.sinks import BatchSink, RecordSink, Sink
from typing_extensions import override

from target_exactonline.grouping import schema_check
from target_exactonline.stream_config import LINE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from singer_sdk.target_base import Target

    from target_exactonline.run import Run

TEST_STREAM = "meltano_test_stream"
"""Stream that `meltano config test` sends."""


class _Unchecked(Sink):
    """Accepts records without the SDK's validation; invalid ones are rejected one by one later.

    The SDK's validator would also resolve references of a schema from the network or from files.
    """

    @override
    def get_validator(self) -> None:
        return None

    @override
    def _validate_and_parse(self, record: dict[str, Any]) -> dict[str, Any]:
        # For a date that cannot be parsed, the SDK would end the run.
        return record

    @override
    def _singer_validate_message(self, record: dict[str, Any]) -> None:
        # For a record without its key, the SDK would end the run.
        return


class DocumentSink(_Unchecked, BatchSink):
    """Passes batches of a stream's records to the loader of its entity.

    Records that are parts of documents are buffered until the end of the input.
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
        """`drain_before` writes the records of streams that started before a sink.

        Raises:
            ConfigurationError: no entity matches the stream, or it cannot be written.
        """
        super().__init__(target, stream_name, schema, key_properties)
        self._run = run
        self._drain_before = drain_before
        mapping = run.map_stream(stream_name)
        columns = {
            name: facts
            for column, facts in schema.get("properties", {}).items()
            if (name := mapping.columns.renamed(column)) is not None
        }
        named = map(mapping.columns.renamed, self.key_properties)
        keys = [name for name in named if name is not None]
        self._rewrite = run.rewriter(mapping.unified) if mapping.unified else None
        self._mapping = schema_check.checked(mapping, list(columns), keys)
        self._own_keys = schema_check.own_keys(self._mapping, keys, columns)
        self._keys = [self._own_keys.get(key, key) for key in keys]
        if self._mapping.part != LINE:
            run.loader(self._mapping)
        run.buffer.expect(self._mapping, self._keys)

    @override
    def _remove_sdc_metadata_from_record(self, record: dict[str, Any]) -> None:
        # _sdc_deleted_at marks deleted records; the other columns are dropped by the mapping.
        return

    @override
    def process_record(self, record: dict[str, Any], context: dict[str, Any]) -> None:
        record = self._mapping.columns.apply(record)
        if self._own_keys:
            record = {self._own_keys.get(name, name): value for name, value in record.items()}
        if self._rewrite:
            record = self._rewrite(record)
        elif self._run.buffer.take(self._mapping, self._keys, record):
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
    """Passes batches of match sets to their loader."""

    def __init__(
        self,
        target: Target,
        stream_name: str,
        schema: dict[str, Any],
        key_properties: Sequence[str] | None,
        *,
        run: Run,
    ) -> None:
        """Create the loader of match sets as well."""
        super().__init__(target, stream_name, schema, key_properties)
        self._run = run
        # Uploads in doubt of earlier runs are settled even if no record comes.
        _ = run.match_sets

    @override
    def process_record(self, record: dict[str, Any], context: dict[str, Any]) -> None:
        if self._run.accept():
            super().process_record(record, context)

    @override
    def process_batch(self, context: dict[str, Any]) -> None:
        self._run.load_match_sets(self.stream_name, context.get("records", []))


class ProbeSink(_Unchecked, RecordSink):
    """Checks sign-in and division for the connection test, and writes nothing."""

    def __init__(
        self,
        target: Target,
        stream_name: str,
        schema: dict[str, Any],
        key_properties: Sequence[str] | None,
        *,
        run: Run,
    ) -> None:
        """Raises the errors of `Run.check_division`."""
        super().__init__(target, stream_name, schema, key_properties)
        run.check_division()

    @override
    def process_record(self, record: dict[str, Any], context: dict[str, Any]) -> None:
        """Ignore the record."""
