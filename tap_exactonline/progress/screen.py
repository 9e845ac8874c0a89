"""Draw a table of the divisions that are being read on a terminal."""

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

    from tap_exactonline.progress.status import DivisionStatus


@contextmanager
def screen() -> Iterator[Callable[[Sequence[DivisionStatus]], None]]:
    """Draw a table on standard error; log lines of the block scroll above it."""
    stderr = sys.stderr
    handlers = [
        handler
        for handler in logging.getLogger().handlers
        if isinstance(handler, logging.StreamHandler) and handler.stream is stderr
    ]
    console = Console(file=redaction.drawable(stderr))
    with Live(console=console, auto_refresh=False, transient=True, redirect_stdout=False) as live:
        for handler in handlers:
            handler.setStream(sys.stderr)  # Rich has replaced it by one that writes above the table
        try:
            yield lambda lines: live.update(table(lines), refresh=True)
        finally:
            for handler in handlers:
                handler.setStream(stderr)


def table(lines: Sequence[DivisionStatus]) -> Table:
    """Table with one row per division."""
    columns = Table("division", "stream", box=None)
    for name in ("rows", "calls", "left today", "waited", "to go"):
        columns.add_column(name, justify="right")
    for status in lines:
        columns.add_row(
            str(status.division),
            one_line(status.stream),
            f"{status.rows:,}",
            f"{status.calls:,}",
            "" if status.left is None else f"{status.left:,}",
            _time(status.waited),
            "" if status.to_go is None else _time(status.to_go),
        )
    return columns


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
