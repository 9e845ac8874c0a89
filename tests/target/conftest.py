"""A sandbox to write to, and a way to load records into it."""

from __future__ import annotations

import io
import json
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from exactonline_client.connection import connect
from exactonline_client.errors import ExactOnlineError
from exactonline_client.store.store import Store
from exactonline_client.store.tables import postings
from exactonline_sandbox import Sandbox, SandboxConfig
from target_exactonline.target import TargetExactOnline
from tests.target.books import Books

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_httpserver import HTTPServer

    from exactonline_sandbox import Server

Record = dict[str, Any]
Message = dict[str, Any]
STREAM = "sales_invoices"


@dataclass
class Load:
    """How a run of the target ended."""

    states: list[object]
    results: list[dict[str, Any]]
    error: BaseException | None

    @property
    def outcomes(self) -> list[tuple[str | None, str]]:
        return [(line["reference"], line["outcome"]) for line in self.results]

    @property
    def reasons(self) -> list[str | None]:
        return [line["reason"] for line in self.results]


@dataclass
class Company:
    """The division that is written to, and what an invoice needs of it."""

    server: Server
    division: int
    customer: str
    items: list[str]

    def invoice(self, reference: str, **fields: Any) -> Record:
        line = {"Item": self.items[0], "Quantity": 2, "NetPrice": 12.5}
        record = {"YourRef": reference, "OrderedBy": self.customer, "SalesInvoiceLines": [line]}
        return {**record, **fields}

    def sign_in(self) -> str:
        return sign_in(self.server)["refresh_token"]

    def invoices(self, reference: str) -> list[dict[str, Any]]:
        """The invoices that now carry a reference."""
        rows = self.server.control.truth(self.division, "sales_invoices")
        return [row for row in rows if row["YourRef"] == reference]

    def lines(self, invoice_id: str) -> list[dict[str, Any]]:
        rows = self.server.control.truth(self.division, "sales_invoice_lines")
        return [row for row in rows if row["InvoiceID"] == invoice_id]

    def calls(self, method: str) -> int:
        """How many calls of data were made with this method since the last reset."""
        return sum(
            call["count"]
            for call in self.server.control.calls()["calls"]
            if call["method"] == method and call["division"] == self.division
        )


def sign_in(server: Server) -> dict[str, str]:
    """Settings with a refresh token that may be used at once."""
    settings = server.settings()
    server.control.clock(advance_seconds=570)
    return settings


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    config = SandboxConfig(seed=7, invoices=5, minutely_limit=100_000, daily_limit=100_000)
    with Sandbox(config).running() as running:
        yield running


@pytest.fixture(scope="session")
def division(server: Server) -> int:
    return server.divisions[0]


@pytest.fixture(scope="session")
def customer_and_items(server: Server, division: int) -> tuple[str, list[str]]:
    accounts, items = (server.control.truth(division, name) for name in ("accounts", "items"))
    customer = next(row["ID"] for row in accounts if row["Status"] == "C")
    return customer, [row["ID"] for row in items if row["IsSalesItem"]]


@pytest.fixture
def company(
    server: Server, division: int, customer_and_items: tuple[str, list[str]]
) -> Iterator[Company]:
    control = server.control
    control.reset_calls()
    yield Company(server, division, *customer_and_items)
    control.faults()
    control.limits(division=division, leave_today=100_000)


@pytest.fixture
def settings(server: Server, tmp_path: Path) -> dict[str, Any]:
    """Settings of a target with a store of its own."""
    return {
        **sign_in(server),
        "store_url": f"sqlite:///{tmp_path / 'store.db'}",
        # The company has the documents of other tests, some of the same content.
        "new_store": True,
    }


class Runner:
    """Loads messages into the sandbox, in this process."""

    def __init__(
        self, settings: dict[str, Any], capsys: pytest.CaptureFixture[str], folder: Path
    ) -> None:
        self.settings = settings
        self._capsys = capsys
        self._results = folder / "results.jsonl"
        self.server: Server | None = None
        """The sandbox whose clock runs go by; the machine's where None."""
        self.meanwhile: Callable[[], None] | None = None
        """What happens once while a run waits, by the sandbox's clock."""
        self.before_call: Callable[[], None] | None = None
        """What happens before each call of a run, by the sandbox's clock."""

    @staticmethod
    def schema(stream: str = STREAM) -> Message:
        return {"type": "SCHEMA", "stream": stream, "schema": {"properties": {}}}

    @staticmethod
    def record(content: Record, stream: str = STREAM) -> Message:
        return {"type": "RECORD", "stream": stream, "record": content}

    @staticmethod
    def state(value: object) -> Message:
        return {"type": "STATE", "value": {"seen": value}}

    def load(self, *records: Record, stream: str = STREAM, **options: Any) -> Load:
        """Load records, with one state at their end: `{"seen": <number of records>}`."""
        messages = [self.record(content, stream) for content in records]
        return self.run([self.schema(stream), *messages, self.state(len(records))], **options)

    def run(self, messages: list[Message], **options: Any) -> Load:
        """Load messages; how the run ended is part of the result, not raised."""
        self._results.unlink(missing_ok=True)
        self._capsys.readouterr()
        settings = {**self.settings, "results_path": str(self._results), **options}
        target = TargetExactOnline(config=settings)
        if self.server:
            target.run.connection = connect(target.config, clock=self._now, sleep=self._wait)
            if self.before_call:
                target.run.connection.session.before_call = self.before_call
        error: BaseException | None = None
        try:
            target.listen(io.StringIO("".join(json.dumps(item) + "\n" for item in messages)))
        except (ExactOnlineError, SystemExit) as raised:
            error = raised
        finally:
            target.close()
        lines = self._results.read_text(encoding="utf-8") if self._results.exists() else ""
        return Load(
            states=[
                json.loads(line)["seen"] for line in self._capsys.readouterr().out.splitlines()
            ],
            results=[json.loads(line) for line in lines.splitlines()],
            error=error,
        )

    def _now(self) -> float:
        assert self.server
        return self.server.world.clock.now().timestamp()

    def _wait(self, seconds: float) -> None:
        assert self.server
        self.server.control.clock(advance_seconds=seconds)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile:
            meanwhile()


def noted(runner: Runner, **values: object) -> None:
    """Make the journal say of all documents what a run that was cut off would have left."""
    store = Store(runner.settings["store_url"])
    with store.transaction() as connection:
        connection.execute(postings.update().values(**values))
    store.close()


def noted_a_day_ahead(runner: Runner, **others: str) -> None:
    """Make the journal say what a clock that is a day ahead would have told."""
    noted(runner, sent_at=postings.c.sent_at + 86_400.0, **others)


def sent_by_another(runner: Runner) -> None:
    """Have another run, whose clock is a day ahead, send what is waited for meanwhile."""
    runner.meanwhile = lambda: noted_a_day_ahead(runner, revision="another.1")


def killed_while_it_waits(runner: Runner) -> None:
    """End the next run where it waits for what got no answer."""

    def end() -> None:
        raise SystemExit

    runner.meanwhile = end


@pytest.fixture
def signals() -> Iterator[None]:
    """Put back the handlers that a plugin replaces."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def runner(
    settings: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    signals: None,  # noqa: ARG001
) -> Runner:
    return Runner(settings, capsys, tmp_path)


@pytest.fixture
def patient(runner: Runner, company: Company) -> Runner:
    """Runs go by the sandbox's clock; a wait moves it, and takes no time."""
    runner.server = company.server
    return runner


@pytest.fixture
def wire_runner(
    httpserver: HTTPServer,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    signals: None,  # noqa: ARG001
) -> Runner:
    """Loads into a server whose every answer the test decides; division 1."""
    tokens = {"access_token": "access", "refresh_token": "refresh", "expires_in": "600"}
    httpserver.expect_request("/api/oauth2/token", "POST").respond_with_json(tokens)
    settings = {
        "base_url": httpserver.url_for("").rstrip("/"),
        "client_id": "id",
        "client_secret": "secret-of-the-app",
        "refresh_token": "seed",
        "store_url": f"sqlite:///{tmp_path / 'store.db'}",
        "division": 1,
    }
    return Runner(settings, capsys, tmp_path)


@pytest.fixture
def books(company: Company) -> Iterator[Books]:
    books = Books(company)
    books.begin()
    company.server.control.reset_calls()
    yield books
    company.server.control.switches(xml_api=True, xml_tells_successes=True)
