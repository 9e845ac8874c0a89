"""A table of the divisions that are being read, on the terminal of a person who looks on."""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.table import Table

from exactonline_client import redaction
from exactonline_client.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tap_exactonline.progress.status import Line


@contextmanager
def screen() -> Iterator[Callable[[Sequence[Line]], None]]:
    """Draws lines on standard error; what is logged in the block scrolls above them."""
    stderr = sys.stderr
    handlers = [
        handler
        for handler in logging.getLogger().handlers
        if isinstance(handler, logging.StreamHandler) and handler.stream is stderr
    ]
    console = Console(file=redaction.drawable(stderr))
    with Live(console=console, auto_refresh=False, transient=True, redirect_stdout=False) as live:
        for handler in handlers:
            handler.setStream(sys.stderr)  # by now what writes above the table
        try:
            yield lambda lines: live.update(table(lines), refresh=True)
        finally:
            for handler in handlers:
                handler.setStream(stderr)


def table(lines: Sequence[Line]) -> Table:
    """The divisions that are being read."""
    found = Table("division", "stream", box=None)
    for name in ("rows", "calls", "left today", "waited", "to go"):
        found.add_column(name, justify="right")
    for line in lines:
        found.add_row(
            str(line.division),
            one_line(line.stream),
            f"{line.rows:,}",
            f"{line.calls:,}",
            "" if line.left is None else f"{line.left:,}",
            _time(line.waited),
            "" if line.to_go is None else _time(line.to_go),
        )
    return found


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
