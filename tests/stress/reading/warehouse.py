"""A warehouse in memory that takes Singer messages as target-postgres does."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from singer_sdk.contrib.msgspec import MsgSpecWriter
from typing_extensions import override

if TYPE_CHECKING:
    from singer_sdk.singerlib import Message

DELETED_AT = "_sdc_deleted_at"


@dataclass
class Warehouse:
    """Rows by stream and key, and the state to start the next run with.

    A record replaces the row with its key. A state counts once everything before it is in.
    """

    rows: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = field(default_factory=dict)
    state: dict[str, Any] | None = None
    records: int = 0
    """Records so far, those that came again included."""
    _keys: dict[str, list[str]] = field(default_factory=dict)

    def apply(self, line: bytes) -> None:
        """Take one message."""
        message = json.loads(line)
        if message["type"] == "SCHEMA":
            self._keys[message["stream"]] = message["key_properties"]
        elif message["type"] == "RECORD":
            record = message["record"]
            key = tuple(record[name] for name in self._keys[message["stream"]])
            self.rows.setdefault(message["stream"], {})[key] = record
            self.records += 1
        elif message["type"] == "STATE":
            self.state = message["value"]

    def living(self, stream: str) -> list[dict[str, Any]]:
        """The rows of a stream that are not marked as deleted."""
        rows = self.rows.get(stream, {}).values()
        return [row for row in rows if row.get(DELETED_AT) is None]


class WarehouseWriter(MsgSpecWriter):
    """Hands each message to a warehouse, in the very bytes that would go to standard output."""

    def __init__(self, warehouse: Warehouse) -> None:
        """Write to `warehouse`."""
        super().__init__()
        self._warehouse = warehouse

    @override
    def write_message(self, message: Message) -> None:
        self._warehouse.apply(bytes(self.format_message(message)))
