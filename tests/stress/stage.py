"""A sandbox that records every request for tokens, and runs of our programs against it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet
from typing_extensions import override

from exactonline_sandbox import Sandbox, SandboxConfig, Switches
from exactonline_sandbox.oauth import OAuthError, TokenServer
from tap_exactonline.tap import TapExactOnline
from tests.stress.clock import MovedClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from exactonline_sandbox import Server

TIMEOUT = 120
"""Seconds that a program may take, by the machine's clock."""
STREAM = "journals"
"""A short list, which costs a run of the tap one call."""
OWN_SETTINGS = ("TAP_EXACTONLINE_", "TARGET_EXACTONLINE_", "EXACTONLINE_", "SINGER_SDK_")


@dataclass(frozen=True)
class Asked:
    """One request for tokens; `at` is in seconds since the epoch, by the sandbox's clock."""

    at: float
    grant: str
    status: int
    refusal: str = ""


class RecordingTokenServer(TokenServer):
    """The sandbox's token server, with every request written down."""

    asked: list[Asked]
    handed_out: set[str]
    refuse: Callable[[Mapping[str, str]], OAuthError] | None = None
    """Makes of the form of a request the refusal that answers it."""

    @override
    def exchange(self, form: Mapping[str, str], authorization: str = "") -> dict[str, str]:
        at, grant = self._clock.now().timestamp(), form.get("grant_type", "")
        try:
            if self.refuse:
                raise self.refuse(form)
            tokens = super().exchange(form, authorization)
        except OAuthError as error:
            self.asked.append(Asked(at, grant, error.status, error.description or error.error))
            raise
        self.asked.append(Asked(at, grant, 200))
        self.handed_out |= {tokens["access_token"], tokens["refresh_token"]}
        return tokens

    @property
    def refreshes(self) -> list[Asked]:
        """The refreshes that were granted."""
        return [asked for asked in self.asked if asked.status == 200]

    @property
    def refusals(self) -> list[Asked]:
        """The requests that were refused."""
        return [asked for asked in self.asked if asked.status != 200]


@dataclass(frozen=True)
class Ended:
    """What a program left behind."""

    program: str
    code: int
    stdout: str
    stderr: str

    @property
    def crashed(self) -> bool:
        """Whether it ended in a stack trace."""
        return "Traceback" in self.stderr

    @property
    def last_words(self) -> str:
        """The last line on standard error."""
        return (self.stderr.strip().splitlines() or [""])[-1]


@dataclass
class Stage:
    """A running sandbox, and how to run a program against it."""

    server: Server
    token_server: RecordingTokenServer
    folder: Path
    settings: dict[str, Any]

    @property
    def clock(self) -> MovedClock:
        """The sandbox's clock, for other processes."""
        world = self.server.world
        return MovedClock.read(world.clock.now(), world.clock.speed)

    def due(self) -> None:
        """Let the time pass after which a new access token may be asked for."""
        self.server.control.clock(advance_seconds=600)

    def sign_in(self) -> str:
        """A new chain of tokens, and its refresh token as a setting; it can be used at once."""
        tokens = self.server.control.sign_in()
        self.token_server.handed_out |= {tokens["access_token"], tokens["refresh_token"]}
        self.due()
        self.settings["refresh_token"] = tokens["refresh_token"]
        return tokens["refresh_token"]

    def command(self, program: str, *arguments: str) -> list[str]:
        """How to start a program by the sandbox's clock."""
        return [sys.executable, "-m", "tests.stress.moved", self.clock.dumps(), program, *arguments]

    def environment(self, settings: Mapping[str, Any] | None = None) -> dict[str, str]:
        """The environment of a program; `settings` go before those of the stage."""
        return {**clean_environment(), **as_environment({**self.settings, **(settings or {})})}

    def run(
        self,
        program: str,
        *arguments: str,
        text: str = "",
        settings: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Ended:
        """Run a program to its end; the commands take their settings from the environment."""
        done = subprocess.run(
            self.command(program, *arguments),
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT,
            env={**self.environment(settings), **(environment or {})},
        )
        return Ended(program, done.returncode, done.stdout, done.stderr)

    def tap(
        self,
        settings: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Ended:
        """Run the tap on one short stream."""
        arguments = ("--config", "ENV", "--catalog", str(self.catalog()))
        return self.run("tap-exactonline", *arguments, settings=settings, environment=environment)

    def target(
        self,
        text: str,
        settings: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Ended:
        """Run the target on these messages."""
        return self.run(
            "target-exactonline",
            *("--config", "ENV"),
            text=text,
            settings=settings,
            environment=environment,
        )

    def catalog(self) -> Path:
        """A file that selects one short stream; made at the first call."""
        file = self.folder / "catalog.json"
        if not file.exists():
            tap = TapExactOnline(config=dict(self.settings), validate_config=False)
            chosen = [entry for entry in tap.catalog_dict["streams"] if entry["stream"] == STREAM]
            file.write_text(json.dumps({"streams": chosen}), encoding="utf-8")
        return file


@contextmanager
def stage(
    folder: Path, store_url: str, *, seed: int, speed: float = 1.0, switches: Switches | None = None
) -> Iterator[Stage]:
    """A sandbox whose limits do not stand in the way, for the length of a block."""
    config = SandboxConfig(
        seed=seed,
        speed=speed,
        switches=switches or Switches(),
        invoices=20,
        minutely_limit=100_000,
        daily_limit=1_000_000,
    )
    sandbox = Sandbox(config)
    world = sandbox.world
    token_server = RecordingTokenServer(config, world.clock, world.switches)
    token_server.asked, token_server.handed_out = [], set()
    world.tokens = token_server
    sandbox.prepare()
    with sandbox.running() as server:
        app = server.credentials
        settings = {
            "base_url": server.base_url,
            "client_id": app.client_id,
            "client_secret": app.client_secret,
            "store_url": store_url,
            "store_key": Fernet.generate_key().decode(),
        }
        yield Stage(server, token_server, folder, settings)


def sales_invoice(server: Server, reference: str) -> str:
    """Singer messages that ask for one sales invoice."""
    division = server.divisions[0]
    account = server.control.truth(division, "accounts")[0]["ID"]
    item = server.control.truth(division, "items")[0]["ID"]
    lines = [{"Item": item, "Quantity": 1, "NetPrice": 10}]
    record = {"YourRef": reference, "OrderedBy": account, "SalesInvoiceLines": lines}
    schema = {"type": "object", "properties": {name: {} for name in record}}
    messages = (
        {"type": "SCHEMA", "stream": "sales_invoices", "schema": schema, "key_properties": []},
        {"type": "RECORD", "stream": "sales_invoices", "record": record},
        {"type": "STATE", "value": {"reference": reference}},
    )
    return "".join(json.dumps(message) + "\n" for message in messages)


def clean_environment() -> dict[str, str]:
    """The environment without settings that a user of this machine may have in it."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OWN_SETTINGS)}


def as_environment(settings: Mapping[str, Any]) -> dict[str, str]:
    """The settings as both plugins and the command read them."""
    return {
        f"{prefix}{name.upper()}": str(value)
        for name, value in settings.items()
        if value is not None
        for prefix in ("TAP_EXACTONLINE_", "TARGET_EXACTONLINE_", "EXACTONLINE_")
    }
