from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest
import requests

from exactonline_sandbox import Sandbox, SandboxConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from exactonline_sandbox import Server

NOON = datetime(2026, 3, 4, 12, 0, 5, tzinfo=timezone.utc)


@dataclass
class Api:
    """A bare client: it knows where the sandbox is and holds a token, and no more."""

    server: Server
    division: int = 0
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.division = self.division or self.server.divisions[0]
        self.sign_in()

    def sign_in(self, **how: object) -> dict[str, str]:
        tokens = self.server.control.sign_in(**how)
        self.session.headers.update(
            {"Authorization": f"Bearer {tokens['access_token']}", "Accept": "application/json"}
        )
        return tokens

    def url(self, path: str) -> str:
        if path.startswith("http"):
            return path
        return f"{self.server.base_url}/api/v1/{self.division}/{path}"

    def call(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> requests.Response:
        return self.session.request(
            method,
            self.url(path),
            data=None if body is None else json.dumps(body),
            headers={"Content-Type": "application/json", **headers}
            if body is not None
            else headers,
            timeout=20,
        )

    def get(self, path: str, **headers: str) -> requests.Response:
        return self.call("GET", path, **headers)

    def rows(self, path: str) -> list[dict[str, Any]]:
        """All rows of a list, over all its pages."""
        found: list[dict[str, Any]] = []
        while path:
            answer = self.get(path)
            assert answer.status_code == 200, answer.text
            listed = answer.json()["d"]
            found += listed if isinstance(listed, list) else listed["results"]
            path = "" if isinstance(listed, list) else listed.get("__next", "")
        return found

    def create(self, path: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
        answer = self.call("POST", path, body, **headers)
        assert answer.status_code == 201, answer.text
        row: dict[str, Any] = answer.json()["d"]
        return row

    def one(self, path: str, key: str) -> dict[str, Any]:
        row: dict[str, Any] = self.get(f"{path}(guid'{key}')").json()["d"]
        return row

    def message(self, answer: requests.Response) -> str:
        text: str = answer.json()["error"]["message"]["value"]
        return text


Start = "Callable[..., Api]"


@pytest.fixture
def start(request: pytest.FixtureRequest) -> Callable[..., Api]:
    """Starts a sandbox with settings of the test's own, which ends with the test."""

    def begin(**settings: Any) -> Api:
        config = SandboxConfig(**{"invoices": 8, "clock": NOON, "speed": 0.0, **settings})
        running = Sandbox(config).running()
        server = running.__enter__()
        request.addfinalizer(lambda: running.__exit__(None, None, None))
        return Api(server)

    return begin


@pytest.fixture(scope="session")
def shared() -> Iterator[Api]:
    """One sandbox for tests that only read, with no limit that they could run into."""
    config = SandboxConfig(
        invoices=150, clock=NOON, speed=0.0, minutely_limit=10**6, daily_limit=10**6
    )
    config.switches.error_limit = False
    with Sandbox(config).running() as server:
        yield Api(server)
