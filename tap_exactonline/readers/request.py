"""Stream request: the rows, columns and deletes to read, from catalog and settings."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from tap_exactonline.definitions.definition import TIMESTAMP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exactonline_client.catalogue import Property
    from tap_exactonline.definitions.definition import StreamDefinition
    from tap_exactonline.extract.schema_drift import DriftDetector


def needed_columns(definition: StreamDefinition) -> set[str]:
    """Columns that every record needs: primary key, bookmark, and time of change for sync lists."""
    needed = {*definition.primary_keys, *filter(None, [definition.bookmark])}
    return {*needed, definition.changed_column} if definition.bookmark == TIMESTAMP else needed


class StreamRequest(msgspec.Struct, frozen=True, dict=True):
    """What to read of a stream."""

    definition: StreamDefinition
    is_selected: bool
    is_incremental: bool
    """Whether to read changes only; FULL_TABLE in the catalog reads all rows."""
    deselected: frozenset[str]
    """Names of deselected columns."""
    keeps_unknown: bool
    """Whether to keep fields that the catalogue does not know, in `_unknown_fields`."""
    reads_log: bool
    """Whether the deleted log covers the stream and is read."""
    siblings: Sequence[str]
    """Other streams whose deletes are logged under the same entity type."""
    compares_keys: bool
    """Whether to detect deletes by comparing keys."""
    drift: DriftDetector
    """Detects unknown fields."""

    @property
    def sends_tombstones(self) -> bool:
        """Whether to send a tombstone for each entry of the deleted log."""
        return self.reads_log and self.is_selected

    @cached_property
    def columns(self) -> list[Property]:
        """Selected columns, and those of `needed_columns`."""
        needed = needed_columns(self.definition)
        return [
            item
            for name, item in self.definition.columns.items()
            if name in needed or name not in self.deselected
        ]
