"""Batches that reader threads pass to the main thread: rows, and the state to commit after them.

A reader runs ahead of the writer. It advances its own copy of the partition's state and attaches a
copy to each batch; the main thread commits it after the rows are written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping, Sequence

    from exactonline_client.odata.records import DecodedRow

    Context = Mapping[str, Any]

MAX_ROWS = 1000
"""Maximum number of rows of a batch that is not a page."""


class Batch(msgspec.Struct, frozen=True):
    """Rows of one stream in one division."""

    stream: str
    context: Context | None
    """Context of the state partition; None for lists of the user."""
    rows: Sequence[DecodedRow]
    state: dict[str, Any]
    """State of the partition after the rows are written."""

    def commit(self, state: MutableMapping[str, Any]) -> None:
        """Replace the content of `state` by the state of the batch."""
        state.update(self.state)
        for name in state.keys() - self.state.keys():
            del state[name]
