"""Print results: JSON for scripts, a table for people."""

from __future__ import annotations

import json
import logging
import sys
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import click

from exactonline_client import redaction
from exactonline_client.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


def print_json(value: object) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(
    columns: Mapping[str, str],
    rows: Sequence[Mapping[str, Any]],
    right: Collection[str] = (),
    linked: str | None = None,
) -> None:
    """Print rows, with colours on a terminal only.

    Args:
        columns: the headings, by key of a row.
        rows: by key.
        right: the keys of columns that are aligned to the right.
        linked: the key of the column that a terminal links to the `link` of its row.
    """
    from rich.console import Console  # noqa: PLC0415 - takes long to import
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, header_style="bold")
    for key, heading in columns.items():
        table.add_column(heading, overflow="fold", justify="right" if key in right else "left")
    for row in rows:
        link = row.get("link") if linked else None
        styles = {linked: f"link {link}"} if link else {}
        table.add_row(*(Text(_shown(row[key]), styles.get(key, "")) for key in columns))
    # A file or a pipe has no width of its own, and nothing may be cut off there.
    console = Console(
        file=redaction.drawable(sys.stdout), width=None if sys.stdout.isatty() else 400
    )
    console.print(table)


def _shown(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.1f}" if isinstance(value, float) else one_line(str(value))


@contextmanager
def quiet(logger: str) -> Iterator[None]:
    """Silence a logger whose messages are printed in another form."""
    log = logging.getLogger(logger)
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(level)


def format_time(seconds: float | None) -> str | None:
    """Format a timestamp as ISO text in UTC."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds")


def for_table(time: str) -> str:
    """Shorten a time of `format_time` for a table: `2026-06-25 14:31:05`."""
    return time[: len("2026-06-25T14:31:05")].replace("T", " ")
