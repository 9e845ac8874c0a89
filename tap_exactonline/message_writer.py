"""Write Singer messages to standard output: records buffered, all other messages at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from singer_sdk.contrib.msgspec import MsgSpecWriter
from singer_sdk.singerlib import RecordMessage
from typing_extensions import override

from exactonline_client.plugin.stdout import Output

if TYPE_CHECKING:
    from singer_sdk.singerlib import Message

BUFFER_SIZE = 256 * 1024
"""Maximum number of buffered bytes."""


class BufferedWriter(MsgSpecWriter):
    """Buffer records until the buffer is full or another type of message follows.

    The SDK flushes after every record; each flush hands the interpreter lock to the reader threads,
    and the writer waits to get it back.
    """

    def __init__(self) -> None:
        """Start with an empty buffer."""
        super().__init__()
        self._buffer = bytearray()
        self._output = Output()

    @override
    def write_message(self, message: Message) -> None:
        self._buffer += self.format_message(message)
        if len(self._buffer) >= BUFFER_SIZE or not isinstance(message, RecordMessage):
            self.flush()

    def flush(self) -> None:
        """Write the buffer."""
        buffer, self._buffer = self._buffer, bytearray()
        self._output.write(buffer)
