"""The deleted log of a division: which rows are gone, for every entity that the log knows.

The log is read once a run and division, before the rows of any stream. A row that is deleted
later in the run is in the log of the next one.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exactonline_client import odata
from exactonline_client.catalogue import load
from exactonline_client.errors import UnexpectedAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from exactonline_client.connection import Connection
    from exactonline_client.odata import Row

ENDPOINT = "sync/Deleted"
SELECT = "Timestamp,EntityType,EntityKey,DeletedDate"


@dataclass(frozen=True)
class Deletion:
    """One row that is gone."""

    timestamp: int
    key: str
    deleted_at: str | None
    """UTC, ISO."""


@dataclass
class DeletedLog:
    """What was deleted in one division since `start` (a rowversion)."""

    end: int
    """The highest rowversion of the log: where the next run goes on."""
    read_at: str | None = None
    """When it was read, by the server's clock (UTC, ISO)."""
    deletions: dict[int, list[Deletion]] = field(default_factory=dict)
    """By entity type."""

    def since(self, position: int, entity_type: int) -> Iterable[Deletion]:
        """The deletions of one entity type behind a position."""
        return (item for item in self.deletions.get(entity_type, ()) if item.timestamp > position)


def _decoded(decode: Callable[[Row], Row], row: Row) -> Row:
    try:
        entry = decode(row)
    except odata.WrongType as error:
        raise UnexpectedAnswer(f"{ENDPOINT}: {error}.") from None
    if None in (entry["Timestamp"], entry["EntityType"], entry["EntityKey"]):
        raise UnexpectedAnswer(f"{ENDPOINT}: an entry does not say what was deleted.")
    return entry


def read(connection: Connection, division: int, start: int) -> DeletedLog:
    """Read the log behind `start`; 0 reads all of it, which is the last two months."""
    endpoint = load().endpoints[ENDPOINT]
    decode = odata.decoder([endpoint.columns[name] for name in SELECT.split(",")], connection.zone)
    address = odata.url(
        endpoint.uri.format(division=division),
        {"$filter": f"Timestamp gt {odata.literal(start, 'Edm.Int64')}", "$select": SELECT},
    )
    log = DeletedLog(end=start)
    found: dict[int, list[Deletion]] = defaultdict(list)
    for page in connection.pages(address, division):
        if page.read_at is not None:
            log.read_at = page.read_at.isoformat()
        for row in page.rows:
            entry = _decoded(decode, row)
            log.end = max(log.end, entry["Timestamp"])
            found[entry["EntityType"]].append(
                Deletion(entry["Timestamp"], entry["EntityKey"], entry["DeletedDate"])
            )
    log.deletions = dict(found)
    return log
