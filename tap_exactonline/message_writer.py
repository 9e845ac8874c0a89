"""Write Singer messages to standard output: records buffered, all other messages at once."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Protocol

from msgspec import UNSET, Struct, UnsetType
from singer_sdk.contrib.msgspec import MsgSpecWriter, encoder
from singer_sdk.singerlib import RecordMessage
from typing_extensions import override

from exactonline_client.plugin.stdout import Output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from singer_sdk.singerlib import Message

    from exactonline_client.odata.records import DecodedRow

BUFFER_SIZE = 256 * 1024
"""Maximum number of buffered bytes."""


class _Record(Struct, gc=False, tag="RECORD", tag_field="type"):
    """A RECORD message."""

    stream: str
    record: DecodedRow
    version: int | UnsetType
    time_extracted: datetime


class Lines(Protocol):
    """Something that takes whole lines, such as standard output."""

    def write(self, lines: bytes | bytearray, /) -> None:
        """Write whole lines."""


class BufferedWriter(MsgSpecWriter):
    """Buffer records until the buffer is full or another type of message follows.

    The SDK flushes after every record; each flush hands the interpreter lock to the reader threads,
    and the writer waits to get it back.
    """

    def __init__(self, output: Lines | None = None) -> None:
        """Start with an empty buffer; write to standard output if no other is given."""
        super().__init__()
        self._buffer = bytearray()
        self._output = output or Output()

    @override
    def write_message(self, message: Message) -> None:
        self._buffer += self.format_message(message)
        if len(self._buffer) >= BUFFER_SIZE or not isinstance(message, RecordMessage):
            self.flush()

    def write_records(
        self, stream: str, records: Sequence[DecodedRow], version: int | None
    ) -> None:
        """Write the RECORD messages of records; faster than a message for each."""
        number = UNSET if version is None else version
        now = datetime.now(timezone.utc)
        self._buffer += encoder.encode_lines(
            [_Record(stream, record, number, now) for record in records]
        )
        if len(self._buffer) >= BUFFER_SIZE:
            self.flush()

    def flush(self) -> None:
        """Write the buffer."""
        buffer, self._buffer = self._buffer, bytearray()
        self._output.write(buffer)
