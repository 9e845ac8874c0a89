"""What a run asks of one stream: which rows and columns, and how its deletes are found."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tap_exactonline.definitions.definition import TIMESTAMP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exactonline_client.catalogue import Property
    from tap_exactonline.definitions.definition import Plan
    from tap_exactonline.extract.schema_drift import Watch


def needed_columns(plan: Plan) -> set[str]:
    """Those that a record is not complete without: its key, and what tells when it changed."""
    needed = {*plan.primary_keys, *filter(None, [plan.bookmark])}
    return {*needed, plan.stamp} if plan.bookmark == TIMESTAMP else needed


@dataclass(frozen=True)
class StreamRequest:
    """A stream as the catalog and the settings ask for it."""

    plan: Plan
    is_selected: bool
    is_incremental: bool
    """Whether only changes are read; the catalog can ask for everything instead."""
    deselected: frozenset[str]
    """The columns that the user does not want."""
    keeps_unknown: bool
    """Whether a record holds the fields that the catalogue does not know."""
    reads_log: bool
    """Whether the deleted log is read for it."""
    siblings: Sequence[str]
    """The other streams whose deletes are logged under the same entity type."""
    compares: bool
    """Whether its deletes are found by comparing keys."""
    watch: Watch
    """Sees fields that are not known."""

    @property
    def sends_tombstones(self) -> bool:
        """Whether a tombstone is sent for what the log holds."""
        return self.reads_log and self.is_selected

    @cached_property
    def columns(self) -> list[Property]:
        """The columns that are selected, with the key and the bookmark always among them."""
        needed = needed_columns(self.plan)
        return [
            item
            for name, item in self.plan.columns.items()
            if name in needed or name not in self.deselected
        ]
