"""The tap run against a sandbox, and what came out of it."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from exactonline_sandbox import Sandbox, SandboxConfig
from tap_exactonline.message_writer import BufferedWriter
from tap_exactonline.tap import TapExactOnline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from exactonline_client.errors import ExactOnlineError
    from exactonline_sandbox import Server
    from exactonline_sandbox.odata.answer import Answer


OK = 200
OF_DISCOVERY = (
    "use_sync_api", "custom_streams", "deletes", "keep_unknown_fields", "attachments",
    "column_names",
)  # fmt: skip
"""Settings that decide which streams and columns there are."""


class Collector(BufferedWriter):
    """Keeps the messages that would go to standard output."""

    def __init__(self) -> None:
        super().__init__(self)
        self.messages: list[dict[str, Any]] = []

    def write(self, lines: bytes | bytearray) -> None:
        self.messages += map(json.loads, lines.splitlines())


@dataclass
class Outcome:
    """What a run of the tap gave."""

    messages: list[dict[str, Any]]
    error: ExactOnlineError | None = None
    calls: Counter[str] = field(default_factory=Counter)

    def records(self, stream: str) -> list[dict[str, Any]]:
        return [
            message["record"]
            for message in self.messages
            if message["type"] == "RECORD" and message["stream"] == stream
        ]

    @property
    def state(self) -> dict[str, Any]:
        states = [message["value"] for message in self.messages if message["type"] == "STATE"]
        return states[-1] if states else {}


@dataclass
class Bench:
    """A sandbox, and the settings to reach it."""

    server: Server
    config: dict[str, Any]

    @property
    def divisions(self) -> tuple[int, ...]:
        return self.server.divisions

    def run(
        self, *streams: str, state: dict[str, Any] | None = None, columns: Any = None, **config: Any
    ) -> Outcome:
        """Run the tap on some streams; `columns` selects those of the first alone."""
        collector = Collector()
        self.server.control.reset_calls()
        outcome = Outcome(collector.messages)
        tap = TapExactOnline(
            config={**self.config, **config},
            catalog=catalog(streams, columns, {**self.config, **config}),
            state=state,
            message_writer=collector,
        )
        try:
            tap.sync_all()
            tap.finish()
        except Exception as error:  # noqa: BLE001 - the test says which it expects
            outcome.error = error  # type: ignore[assignment]
        tap.shared.states.flush()
        tap.flush()
        tap.connection.close()
        for call in self.server.control.calls()["calls"]:
            if call["division"]:
                outcome.calls[call["endpoint"]] += call["count"]
        return outcome

    def edit_bodies(self, change: Callable[[bytes], bytes]) -> None:
        """Let the sandbox send the bodies of its right answers as `change` returns them."""

        def edited(_path: str, answer: Answer) -> Answer:
            if answer.status != OK:
                return answer
            return replace(answer, body=change(answer.body))

        self.server.world.edit_answer = edited

    def edit_pages(self, change: Callable[[list[dict[str, Any]]], object]) -> None:
        """Let the sandbox send pages whose rows `change` has edited in place."""

        def edited(body: bytes) -> bytes:
            if not body.startswith(b"{"):
                return body
            answer = json.loads(body)
            rows = answer["d"]["results"] if isinstance(answer["d"], dict) else answer["d"]
            change(rows)
            return json.dumps(answer).encode()

        self.edit_bodies(edited)

    def edit_rows(self, entity: str, change: Callable[[dict[str, Any]], object]) -> None:
        """Let the sandbox send rows of an entity (`CRM/Accounts`) as `change` has edited them."""
        self.edit_pages(lambda rows: [change(row) for row in rows if is_of(row, entity)])

    def sign_in(self) -> None:
        """Let the person sign in again, as is needed after 30 idle days."""
        self.config["refresh_token"] = self.server.control.sign_in()["refresh_token"]
        self.server.control.clock(advance_seconds=600)

    def truth(self, stream: str, division: int | None = None) -> list[dict[str, Any]]:
        return self.server.control.truth(division or self.divisions[0], stream)


def is_of(row: dict[str, Any], entity: str) -> bool:
    """Whether a row as the API sends it is of an entity, or of one with that end of its name."""
    return f"/{entity}(" in row.get("__metadata", {}).get("uri", "")


def catalog(streams: tuple[str, ...], columns: Any, config: dict[str, Any]) -> dict[str, Any]:
    """The entries of the discovered catalog for some streams, selected."""
    about_streams = {name: config[name] for name in OF_DISCOVERY if name in config}
    entries = discovered(json.dumps(about_streams, sort_keys=True))
    found = {}
    for name in streams:
        if name not in entries:
            continue
        chosen = found[name] = json.loads(entries[name])
        for item in chosen["metadata"]:
            if not item["breadcrumb"]:
                item["metadata"]["selected"] = True
            elif columns and name == streams[0]:
                item["metadata"]["selected"] = item["breadcrumb"][-1] in columns
    return {"streams": [*found.values()]}


@cache
def discovered(config: str) -> dict[str, str]:
    """What discovery prints with these settings, by stream."""
    tap = TapExactOnline(config=json.loads(config), validate_config=False, setup_mapper=False)
    entries = tap.catalog_dict["streams"]
    return {entry["tap_stream_id"]: json.dumps(entry) for entry in entries}


@pytest.fixture
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeat calls at once; the library that repeats them takes no clock."""
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)


@pytest.fixture
def bench(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Bench]:
    """A fresh sandbox; `@pytest.mark.parametrize("bench", [{...}], indirect=True)` sets it up."""
    options = {"seed": 5, "invoices": 40, "minutely_limit": 10_000, **getattr(request, "param", {})}
    with Sandbox(SandboxConfig(**options)).running() as server:
        settings = server.settings()
        server.control.clock(advance_seconds=600)
        yield Bench(
            server,
            {
                **settings,
                "store_url": f"sqlite:///{tmp_path / 'store' / 'store.db'}",
            },
        )
