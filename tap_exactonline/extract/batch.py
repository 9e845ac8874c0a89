"""What goes from the threads that read to the one that writes: rows, and the state behind them.

A thread that reads a division runs ahead of what has been sent. It works on a copy of the
division's state, and a copy of that goes along with every batch: it holds once the rows are out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

    from exactonline_client.odata.decoding import Row

    Context = Mapping[str, Any]

MOST_ROWS = 1000
"""Rows of a batch that is not a page."""


@dataclass(frozen=True)
class Batch:
    """Rows of one stream in one division."""

    stream: str
    context: Context | None
    """The partition of the state; None for lists that belong to the user."""
    rows: list[Row]
    state: dict[str, Any]
    """That of the partition, once the rows are out."""

    def settle(self, state: MutableMapping[str, Any]) -> None:
        """Make `state` that of the partition: the rows are out."""
        state.update(self.state)
        for name in state.keys() - self.state.keys():
            del state[name]
