"""Templates of the dashboard, with times and numbers as the reader writes them."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from exactonline_cli.report.amounts import STYLES
from exactonline_cli.sign_in.page.render import Room

if TYPE_CHECKING:
    from exactonline_cli.sign_in.page.render import Filters


def _filters(language: str) -> Filters:
    style = STYLES[language]

    def count(value: int) -> str:
        return f"{value:,}".replace(",", style.thousands)

    def decimal(value: float) -> str:
        return f"{value:.1f}".replace(".", style.decimals)

    return {
        "amount": lambda value: count(int(value)),
        "count": count,
        "decimal": decimal,
        "iso": _iso,
        "moment": _moment,
        "short": style.short,
        "words": lambda text: str(text).replace("_", " "),
    }


def _iso(seconds: float) -> str:
    """A moment for machines, in UTC."""
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds")


def _moment(seconds: float) -> str:
    """A moment by the clock of this machine."""
    return f"{datetime.fromtimestamp(seconds, timezone.utc).astimezone():%Y-%m-%d %H:%M}"


ROOM = Room(
    "exactonline_cli.dashboard",
    lenders=("exactonline_cli.sign_in.page", "exactonline_cli.report"),
    filters=_filters,
)
