"""A dashboard that runs in this process, before stores that are filled by hand."""

from __future__ import annotations

import json
import os
import threading
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest

from exactonline_cli.dashboard.app import make_app
from exactonline_cli.dashboard.session import Dashboard
from exactonline_cli.sign_in.page.serve import listen, origin, serve
from exactonline_client.store import postings as postings_of
from exactonline_client.store.store import Store
from exactonline_client.store.tables import budgets, connections, postings, runs
from tests.cli.conftest import Browser

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

APP, DIVISION, OTHER = "an-app", 1700001, 1700002
INVOICES = "salesinvoice/SalesInvoices"
NOW = time.time()
SECRETS = ("seal-of-the-client-secret", "seal-of-the-access-token", "seal-of-the-refresh-token")


@dataclass
class Shelf:
    """A store, filled as programs would have filled it."""

    store: Store

    def connect(self, name: str = "books", *, days_ago: float = 1, **more: Any) -> None:
        secret, access, refresh = (self.store.encrypt(each) for each in SECRETS)
        values = {
            "app": APP,
            "region": "nl",
            "base_url": "https://start.exactonline.nl",
            "client_id": "a-client",
            "client_secret": secret,
            "access_token": access,
            "refresh_token": refresh,
            "user_name": "Sanne de Vries",
            "received_at": NOW - days_ago * 86_400,
        }
        self.store.put(connections, name=name, **{**values, **more})

    def run(self, number: int, calls: int, exit_code: int | None = 0, **more: Any) -> None:
        began = NOW - 86_400 + 600 * number
        values = {
            "connection": "books",
            "program": "tap-exactonline",
            "started_at": began,
            "ended_at": None if exit_code is None else began + 12.3,
        }
        self.store.put(runs, id=number, calls=calls, exit_code=exit_code, **{**values, **more})

    def budget(self, division: int, left: int) -> None:
        day: dict[str, Any] = {"day_limit": 5000, "day_remaining": left, "day_reset": NOW + 9_000}
        self.store.put(budgets, app=APP, division=division, **day)

    def post(self, reference: str, outcome: str, **more: Any) -> None:
        record = more.pop("content", None)
        values = {
            "app": APP,
            "division": DIVISION,
            "entity": INVOICES,
            "stream": "sales_invoices",
            "payload_hash": "",
            "at": NOW,
            "record": self.store.encrypt(json.dumps(record), secret=False) if record else None,
            **postings_of.sealed(self.store, more),
        }
        self.store.put(postings, reference=reference, outcome=outcome, **values)


@contextmanager
def running(
    store: Store,
    folder: Path,
    clock: Callable[[], float] = time.time,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Dashboard]:
    """Serve a dashboard in this process."""
    with closing(listen(0)) as listener:
        dashboard = Dashboard(
            origin=origin(listener),
            clock=clock,
            store=store,
            folder=folder,
            environment={**os.environ, **variables},
        )
        served = (make_app(dashboard), dashboard, listener)
        thread = threading.Thread(target=serve, args=served, daemon=True)
        thread.start()
        with closing(dashboard):
            try:
                yield dashboard
            finally:
                dashboard.finished = True
                thread.join(10)


@pytest.fixture
def shelf(store_url: str) -> Iterator[Shelf]:
    with closing(Store(store_url)) as store:
        yield Shelf(store)


@pytest.fixture
def dashboard(shelf: Shelf, tmp_path: Path) -> Iterator[Dashboard]:
    with running(shelf.store, tmp_path) as opened:
        yield opened


@pytest.fixture
def page(dashboard: Dashboard) -> Browser:
    return Browser(dashboard.address).enter()
