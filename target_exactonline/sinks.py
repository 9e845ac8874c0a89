"""The two sinks of the target: one for everything that is written, one for Meltano's test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk.sinks import BatchSink, RecordSink
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Sequence

    from target_exactonline.target import TargetExactOnline

TEST_STREAM = "meltano_test_stream"
"""What `meltano config test` sends to find out whether a target works."""


class DocumentSink(BatchSink):
    """Collects the records of one stream and hands them to the loader of its entity."""

    def __init__(
        self,
        target: TargetExactOnline,
        stream_name: str,
        schema: dict[str, Any],
        key_properties: Sequence[str] | None,
    ) -> None:
        """Raises ConfigurationError where nothing can be written for the stream."""
        super().__init__(target, stream_name, schema, key_properties)
        self._target = target
        self._loader = target.loader(stream_name)

    @override
    def get_validator(self) -> None:
        # Records are checked by what the API takes, and rejected one by one.
        return None

    @override
    def _validate_and_parse(self, record: dict[str, Any]) -> dict[str, Any]:
        # A date that cannot be parsed is one record's problem; the SDK would end the run.
        return record

    @override
    def _singer_validate_message(self, record: dict[str, Any]) -> None:
        # The same holds for a record without its key.
        return

    @override
    def process_record(self, record: dict[str, Any], context: dict[str, Any]) -> None:
        self._target.received += 1
        if not self._target.halted:
            super().process_record(record, context)

    @override
    def process_batch(self, context: dict[str, Any]) -> None:
        with self._target.writing():
            self._loader.load(self.stream_name, context.get("records", []))


class ProbeSink(RecordSink):
    """Makes sure that the target could write, and writes nothing."""

    def __init__(
        self,
        target: TargetExactOnline,
        stream_name: str,
        schema: dict[str, Any],
        key_properties: Sequence[str] | None,
    ) -> None:
        """Raises the errors of a sign-in that fails or a division that cannot be opened."""
        super().__init__(target, stream_name, schema, key_properties)
        target.check_division()

    @override
    def process_record(self, record: dict[str, Any], context: dict[str, Any]) -> None:
        """Ignore it."""
