"""How Singer messages leave: records in large pieces, everything else at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from singer_sdk.contrib.msgspec import MsgSpecWriter
from singer_sdk.singerlib import RecordMessage
from typing_extensions import override

from exactonline_client.plugin.stdout import Output

if TYPE_CHECKING:
    from singer_sdk.singerlib import Message

PIECE = 256 * 1024
"""Bytes that are kept back at most."""


class PieceWriter(MsgSpecWriter):
    """Keeps records back until there is a piece of them, or another message follows.

    The SDK flushes behind every record. Each time, the threads that read take over the
    interpreter, and the one that writes waits until it gets it back.
    """

    def __init__(self) -> None:
        """Nothing is kept back yet."""
        super().__init__()
        self._piece = bytearray()
        self._output = Output()

    @override
    def write_message(self, message: Message) -> None:
        self._piece += self.format_message(message)
        if len(self._piece) >= PIECE or not isinstance(message, RecordMessage):
            self.flush()

    def flush(self) -> None:
        """Write what was kept back."""
        piece, self._piece = self._piece, bytearray()
        self._output.write(piece)
