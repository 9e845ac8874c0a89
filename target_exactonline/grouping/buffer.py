"""Buffer records that are parts of documents until the end of the input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exactonline_client.deletion import Mark, mark_of
from exactonline_client.errors import ConfigurationError
from target_exactonline.grouping.flat_rows import FlatRows
from target_exactonline.grouping.header_lines import REFERENCE, HeaderLines, value_of
from target_exactonline.schema.names import plain
from target_exactonline.stream_config import LINE, ROW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from target_exactonline.grouping.header_lines import Assembled, Record
    from target_exactonline.stream_config import StreamMapping, StreamSetting


class DocumentBuffer:
    """Holds the records of a run that are headers, lines or flat rows of documents."""

    def __init__(
        self,
        settings: Mapping[str, StreamSetting],
        reference_field: str,
        zone: Callable[[], ZoneInfo],
    ) -> None:
        """Start empty.

        Args:
            settings: the parsed setting `streams`.
            reference_field: the setting of this name.
            zone: returns the time zone of the server, which may take a call.
        """
        self._zone = zone
        self._setting_fields = {setting.reference_field for setting in settings.values()}
        self._reference_setting = reference_field
        self._header_lines: dict[str, HeaderLines] = {}
        self._flat_rows: dict[str, FlatRows] = {}

    def expect(self, mapping: StreamMapping, keys: Sequence[str]) -> None:
        """Register a stream before its records; `keys` are its key columns.

        Raises:
            ConfigurationError: records are lines, but the key identifies a document.
        """
        if mapping.part == LINE:
            documents = self._header_lines_of(mapping)
            documents.line_streams[mapping.stream] = None
            _check_key(mapping, keys, documents.joining)
        elif mapping.part == ROW:
            if mapping.stream not in self._flat_rows:
                self._flat_rows[mapping.stream] = FlatRows(mapping, keys, self._zone)
            header = {*map(plain, mapping.entity.endpoint.properties), REFERENCE}
            rows = self._flat_rows[mapping.stream]
            of_header = {key for key in keys if rows.line_column(key) is None}
            _check_key(mapping, keys, {plain(key) for key in of_header} & header)

    def take(self, mapping: StreamMapping, keys: Sequence[str], record: Record) -> bool:
        """Buffer a record unless it is a complete document; return whether it was buffered."""
        if mapping.collection is None:
            return False
        if mapping.part == LINE:
            self._header_lines_of(mapping).add_line(mapping, keys, record)
            return True
        if value_of(record, mapping.collection.name) is not None:
            return False
        if mapping.part == ROW:
            self._flat_rows[mapping.stream].add(record)
            return True
        documents = self._header_lines_of(mapping)
        if mark_of(record) is Mark.DELETED:
            documents.drop_header(mapping, keys, record)
            return False
        documents.add_header(mapping, keys, record)
        return True

    def _header_lines_of(self, mapping: StreamMapping) -> HeaderLines:
        name = mapping.entity.stream
        if name not in self._header_lines:
            usual = mapping.entity.reference_field(self._reference_setting)
            fields = {mapping.reference_field, usual, *self._setting_fields}
            self._header_lines[name] = HeaderLines(mapping, sorted(filter(None, fields)))
        return self._header_lines[name]

    def __len__(self) -> int:
        """Return the number of buffered documents."""
        return sum(len(waiting) for waiting in self._waiting)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is buffered; cheaper than `len`."""
        return not any(waiting.has_records for waiting in self._waiting)

    def documents(self) -> Iterator[tuple[str, Assembled]]:
        """Iterate over the buffered documents, each with its stream."""
        for waiting in self._waiting:
            yield from waiting.documents()

    @property
    def _waiting(self) -> list[HeaderLines | FlatRows]:
        return [*self._header_lines.values(), *self._flat_rows.values()]

    @property
    def dropped_lines(self) -> int:
        """Number of deleted lines that were dropped, since their document was not sent."""
        return sum(documents.dropped_lines for documents in self._header_lines.values())


def _check_key(mapping: StreamMapping, keys: Sequence[str], of_document: set[str]) -> None:
    """Refuse a key that is the same for all lines of a document."""
    if keys and all(plain(key) in of_document for key in keys):
        raise ConfigurationError(
            f"Stream {mapping.stream!r} has lines of {mapping.entity.stream}, but its key "
            f"({', '.join(keys)}) identifies a whole document: only the last line of each would be "
            "kept. Give the stream a key that differs for each line, or none."
        )
