"""The session of the dashboard: a store, and the replays that were started from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from typing_extensions import override

from exactonline_cli.dashboard.render import ROOM
from exactonline_cli.dashboard.replays import Replay, Selection
from exactonline_cli.sign_in.page.session import Session
from exactonline_client import connections
from exactonline_client.store.clock import server_clock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from exactonline_cli.sign_in.page.render import Room
    from exactonline_client.connections import SavedConnection
    from exactonline_client.store.store import Store

IDLE = 3600.0
"""Seconds without a request after which the dashboard closes."""


@dataclass(kw_only=True)
class Dashboard(Session):
    """What the dashboard keeps between requests."""

    room: ClassVar[Room] = ROOM

    command: str = "exactonline ui"
    store: Store
    folder: Path
    """Where files of rejected rows are looked for."""
    environment: Mapping[str, str] = field(repr=False)
    """Variables for the replays: they need the secrets that this process has let go of."""
    files: Sequence[str] = ()
    """Files of settings for the replays."""
    here: str = "/overview"
    """The page that was shown last."""
    replays: list[Replay] = field(default_factory=list)

    @override
    def home(self) -> str:
        return self.here

    @override
    def over(self) -> bool:
        idle = self.clock() - self.last_seen
        return self.finished or (idle >= IDLE and self.running is None)

    @property
    def running(self) -> int | None:
        """The number of the replay that runs; one at a time does."""
        numbers = (number for number, each in enumerate(self.replays) if each.exit_code is None)
        return next(numbers, None)

    def connections(self) -> list[SavedConnection]:
        """The connections of the store as they are now."""
        return connections.load(self.store)

    def apps(self) -> list[str]:
        """The apps whose postings are shown."""
        return sorted({one.app_key for one in self.connections()})

    def connection_for(self, app: str, division: int) -> str | None:
        """A connection that can write to a division; None if that was revoked."""
        mine = [one for one in self.connections() if one.app_key == app]
        fitting = [one for one in mine if one.divisions is None or division in one.divisions]
        return next((one.name for one in (*fitting, *mine)), None)

    def start(self, selection: Selection, shown: Replay | None = None) -> int:
        """Start a replay, and return its number.

        Args:
            selection: what to send again.
            shown: the dry run that has shown it; None to start that.
        """
        store_url = self.store.url.render_as_string(hide_password=False)
        self.replays.append(
            Replay(
                selection=selection,
                dry_run=shown is None,
                files=self.files,
                environment={**self.environment, "EXACTONLINE_STORE_URL": store_url},
                began_at=server_clock(self.store)(),
                references=tuple(each["reference"] for each in shown.results) if shown else (),
            )
        )
        return len(self.replays) - 1

    def close(self) -> None:
        """End the replays; the store stays open."""
        for each in self.replays:
            each.close()
