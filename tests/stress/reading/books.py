"""A sandbox with the books of some companies, and loads of them into a warehouse."""

from __future__ import annotations

import json
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import time_machine

from demo import CORE_STREAMS
from exactonline_client.errors import ExactOnlineError
from exactonline_sandbox import Sandbox, SandboxConfig
from tap_exactonline.tap import TapExactOnline
from tests.stress.clock import MovedClock
from tests.stress.reading.comparison import Comparison, compare
from tests.stress.reading.warehouse import Warehouse, WarehouseWriter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from exactonline_sandbox import Server

STREAMS = tuple(
    sorted(
        {
            *CORE_STREAMS,
            "costcenters",
            "costunits",
            "crm_bank_accounts",
            "gl_classifications",
            "item_groups",
            "payment_terms",
            "purchase_order_lines",
            "purchase_orders",
            "sales_item_prices",
            "subscription_lines",
            "subscriptions",
            "units",
            "warehouses",
        }
    )
)
"""Everything that the sandbox has data for and that a bookkeeper would miss."""
TOKEN_AGE = 600
NO_LIMIT = 10**9


@dataclass
class Books:
    """A running sandbox, the tap's settings for it, and the warehouse that it is read into."""

    server: Server
    settings: dict[str, Any]
    streams: Sequence[str]
    warehouse: Warehouse = field(default_factory=Warehouse)

    @property
    def now(self) -> datetime:
        """The sandbox's time."""
        return self.server.world.clock.now()

    @property
    def clock(self) -> MovedClock:
        """The sandbox's clock, for another process."""
        return MovedClock.read(self.now, self.server.world.clock.speed)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.server.control.clock(advance_seconds=seconds)

    def do_business(self, division: int, seed: int, **most: int) -> dict[str, int]:
        """Have documents made, changed and deleted; returns how many rows each concerned."""
        report = self.server.control.changes(division, seed=seed, **most)
        return {done: sum(report[done].values()) for done in ("created", "updated", "deleted")}

    def load(self, **settings: Any) -> ExactOnlineError | None:
        """Run the tap once, in this process and at the sandbox's time; returns how it failed."""
        with time_machine.travel(self.now):
            tap = TapExactOnline(
                config={**self.settings, **settings},
                catalog=catalog(tuple(self.streams)),
                state=deepcopy(self.warehouse.state),
                message_writer=WarehouseWriter(self.warehouse),
            )
            try:
                tap.sync_all()
                tap.finish()
            except ExactOnlineError as error:
                return error
            finally:
                tap.connection.close()
        return None

    @property
    def calls(self) -> int:
        """Calls for data that were counted since the last time they were asked for."""
        found = self.server.control.calls()["calls"]
        self.server.control.reset_calls()
        return sum(call["count"] for call in found if call["division"])

    def compare(self, *, joined: bool) -> Comparison:
        """The warehouse against the truth."""
        divisions = self.settings["divisions"]
        return compare(self.server, divisions, self.warehouse, self.streams, joined=joined)

    def start_anew(self) -> None:
        """Sign in again, with an empty warehouse."""
        self.warehouse = Warehouse()
        self.settings["refresh_token"] = self.server.control.sign_in()["refresh_token"]
        self.wait(TOKEN_AGE)


@contextmanager
def books(
    config: SandboxConfig,
    streams: Sequence[str] = STREAMS,
    **settings: Any,
) -> Iterator[Books]:
    """Run a sandbox for the length of a block."""
    with TemporaryDirectory() as folder, Sandbox(config).running() as server:
        app = server.credentials
        found = Books(
            server,
            {
                "base_url": server.base_url,
                "client_id": app.client_id,
                "client_secret": app.client_secret,
                "store_url": f"sqlite:///{Path(folder) / 'store' / 'store.db'}",
                "divisions": list(server.divisions),
                **settings,
            },
            streams,
        )
        found.start_anew()
        yield found


@cache
def catalog(streams: tuple[str, ...]) -> dict[str, Any]:
    """The discovered catalog, with these streams in it alone."""
    found = TapExactOnline(config={}, validate_config=False, setup_mapper=False).catalog_dict
    entries = [entry for entry in found["streams"] if entry["tap_stream_id"] in streams]
    copied: dict[str, Any] = json.loads(json.dumps({"streams": entries}))
    return copied
