"""A company to import into, and the command."""

from __future__ import annotations

import json
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from exactonline_cli.main import main
from exactonline_sandbox import Sandbox, SandboxConfig
from tests.cli.test_commands import sign_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

    from exactonline_sandbox import Server


@dataclass
class Company:
    """A division at Exact Online, and a store that is signed in to it."""

    server: Server
    store_url: str

    @property
    def division(self) -> int:
        return self.server.divisions[0]

    def rows(self, stream: str) -> list[dict[str, Any]]:
        return self.server.control.truth(self.division, stream)

    def invoices(self, reference: str) -> list[dict[str, Any]]:
        return [row for row in self.rows("sales_invoices") if row["YourRef"] == reference]

    @property
    def writes(self) -> int:
        """Calls other than reads, since this was asked for the last time."""
        calls = self.server.control.calls()["calls"]
        self.server.control.reset_calls()
        return sum(call["count"] for call in calls if call["method"] not in {"GET", "HEAD"})

    def run(self, *arguments: object, **environment: str) -> Result:
        variables = {"EXACTONLINE_STORE_URL": self.store_url, **environment}
        return CliRunner().invoke(main, [str(each) for each in arguments], env=variables)

    def invoices_import(self, path: Path, *options: str, **environment: str) -> dict[str, Any]:
        """Import invoices without a question; what the command prints for scripts."""
        result = self.run("invoices", "import", path, "--yes", "--json", *options, **environment)
        assert result.exit_code in {0, 5}, result.output
        found: dict[str, Any] = json.loads(result.stdout)
        return {**found, "exit_code": result.exit_code}


@pytest.fixture(scope="module")
def books_server() -> Iterator[Server]:
    config = SandboxConfig(seed=1, invoices=5, minutely_limit=100_000, daily_limit=100_000)
    with Sandbox(config).running() as running:
        yield running


@pytest.fixture
def company(books_server: Server, store_url: str) -> Iterator[Company]:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    sign_in(books_server, store_url)
    books_server.control.reset_calls()
    yield Company(books_server, store_url)
    books_server.control.faults()
    for number, handler in handlers.items():
        signal.signal(number, handler)
