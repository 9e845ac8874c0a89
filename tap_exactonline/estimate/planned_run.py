"""What an estimate is made of: a run and its streams."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_exactonline.readers.run import Run
    from tap_exactonline.streams.base import ExactStream


class PlannedRun(msgspec.Struct, frozen=True):
    """A run, before or after reading, and its streams."""

    run: Run
    streams: Mapping[str, ExactStream]

    @property
    def selected(self) -> list[ExactStream]:
        """Selected streams."""
        return [stream for stream in self.streams.values() if stream.selected]
