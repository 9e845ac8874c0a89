"""The overview: sign-ins and their days, calls left, last runs and what they cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING

from exactonline_cli.calls_left import calls_left
from exactonline_cli.dashboard.render import ROOM
from exactonline_cli.report import plots
from exactonline_cli.sign_in.page.render import translate
from exactonline_client import connections
from exactonline_client.store import runs
from exactonline_client.store.clock import server_clock

if TYPE_CHECKING:
    from exactonline_cli.calls_left import CallsLeft
    from exactonline_client.connections import SavedConnection
    from exactonline_client.store.runs import Run
    from exactonline_client.store.store import Store

SOON = 7
"""Days before its end from which a sign-in is shown as ending."""
MOST_DIVISIONS = 12
"""Divisions whose calls are shown at once; the others are folded away."""
NEEDS_TWO = 2
"""Runs that make a plot worth looking at."""
ENDINGS = {
    0: "well",
    1: "something was refused",
    2: "a setting is wrong",
    3: "sign in again",
    4: "daily limit",
    5: "records were rejected",
    6: "rights are missing",
    7: "Exact was not reached",
    8: "the store failed",
    10: "limit of errors",
    130: "stopped",
    143: "stopped",
}
"""What exit codes of runs mean, in short."""


@dataclass(frozen=True)
class Account:
    """What the store knows of a connection."""

    saved: SavedConnection
    days_left: float | None
    """None before the first refresh."""
    calls: list[CallsLeft]
    """By division, the fewest left first."""
    runs: list[Run]
    """The newest first."""

    @property
    def ends_soon(self) -> bool:
        """Whether the sign-in has to be used, or has ended."""
        return self.days_left is not None and self.days_left <= SOON

    @property
    def has_ended(self) -> bool:
        """Whether somebody has to sign in again."""
        return self.days_left is not None and self.days_left <= 0


def accounts(store: Store) -> list[Account]:
    """List the connections with what is known of each; asks Exact nothing."""
    now = server_clock(store)()
    return [
        Account(
            saved=saved,
            days_left=saved.days_left(now),
            calls=sorted(calls_left(store, saved, now), key=_fewest_first),
            runs=runs.last(store, saved.name, runs.RUNS_KEPT),
        )
        for saved in connections.load(store)
    ]


def _fewest_first(left: CallsLeft) -> tuple[float, int]:
    share = 1.0 if left.day_remaining is None else left.day_remaining / (left.day_limit or 1)
    return share, left.division


def calls_plot(account: Account, language: str) -> plots.Plot | None:
    """Plot the calls of the last runs, the oldest first; None where there is little to see."""
    oldest_first = account.runs[::-1]
    if len(oldest_first) < NEEDS_TWO:
        return None

    def text(english: str) -> str:
        return translate(language, english, ROOM)

    return plots.columns(
        text("Calls by run"),
        text("The calls to Exact Online of each of the last runs, the oldest first."),
        [_day(run.started_at) for run in oldest_first],
        plots.Series(text("Calls"), [Decimal(run.calls) for run in oldest_first]),
    )


def _day(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, timezone.utc).astimezone():%d-%m %H:%M}"
