"""A company to write invoices to, invoices for it, and runs of the target."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import requests

from exactonline_sandbox import Sandbox, SandboxConfig, Switches
from tests.stress.clock import MovedClock
from tests.stress.reading.books import NO_LIMIT, TOKEN_AGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from exactonline_sandbox import Server

Record = dict[str, Any]
STREAM = "sales_invoices"
TIMEOUT = 900
INVOICES_A_CUSTOMER = 10
"""Made-up customers come with as many made-up invoices."""
CENT = Decimal("0.01")


@dataclass
class Ended:
    """How a run of one of our programs ended."""

    code: int
    states: list[int]
    """The positions in the input that were passed on as safe."""
    said: str


@dataclass
class Company:
    """The division that is written to."""

    server: Server
    settings: dict[str, Any]
    folder: Path
    customers: list[str]
    """Codes."""
    items: list[str]
    """Codes."""
    seed: int

    @property
    def division(self) -> int:
        """Its number."""
        return self.server.divisions[0]

    @property
    def results(self) -> Path:
        """Where the target appends a line for each record."""
        return self.folder / "results.jsonl"

    def invoice(self, number: int) -> Record:
        """The invoice of this number: the same one whenever it is asked for."""
        chance = random.Random(f"{self.seed} {number}")
        lines = [
            {
                "Item": chance.choice(self.items),
                "Quantity": chance.randint(1, 9),
                "NetPrice": float(Decimal(chance.randint(1, 99_999)) * CENT),
            }
            for _ in range(chance.randint(1, 5))
        ]
        return {
            "YourRef": f"W{self.seed}-{number:06d}",
            "OrderedBy": chance.choice(self.customers),
            "Description": f"Webshop {number}",
            "SalesInvoiceLines": lines,
        }

    def sign_in(self) -> None:
        """Begin a new chain of tokens, which can be used at once."""
        control = self.server.control
        self.settings["refresh_token"] = control.sign_in()["refresh_token"]
        control.clock(advance_seconds=TOKEN_AGE)

    def lose_the_store(self) -> None:
        """Go on with another one, which knows nothing."""
        self.settings["store_url"] = f"sqlite:///{self.folder / 'another' / 'store.db'}"
        self.sign_in()

    def start(self, program: str, *arguments: str, said: Path) -> subprocess.Popen[bytes]:
        """Start a program by the sandbox's clock; standard error goes to the file `said`."""
        world = self.server.world
        clock = MovedClock.read(world.clock.now(), world.clock.speed)
        with said.open("wb") as file:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.stress.moved", clock.dumps(), program, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
            )

    def load(self, text: bytes, **settings: Any) -> Ended:
        """Run the target to its end."""
        process, said = self.target(**settings)
        output, _ = process.communicate(text, timeout=TIMEOUT)
        return Ended(process.returncode, states(output), said.read_text(encoding="utf-8"))

    def target(self, **settings: Any) -> tuple[subprocess.Popen[bytes], Path]:
        """Start the target; also gives the file to which it complains."""
        return self.program("target-exactonline", **settings)

    def program(
        self,
        name: str,
        *arguments: str,
        **settings: Any,
    ) -> tuple[subprocess.Popen[bytes], Path]:
        """Start a program that takes the target's settings."""
        config = self.folder / "config.json"
        config.write_text(
            json.dumps({**self.settings, "results_path": str(self.results), **settings}),
            encoding="utf-8",
        )
        said = self.folder / "said.txt"
        return self.start(name, *arguments, "--config", str(config), said=said), said

    def reported(self) -> list[Record]:
        """The lines of all results so far."""
        if not self.results.exists():
            return []
        lines = self.results.read_text(encoding="utf-8").splitlines()
        # A line that a kill cut in half was of a record that came again.
        return [json.loads(line) for line in lines if line.endswith("}")]

    def calls(self) -> Counter[str]:
        """Calls for data by method, since the last time they were asked for."""
        counted: Counter[str] = Counter()
        for call in self.server.control.calls()["calls"]:
            if call["division"]:
                counted[call["method"]] += call["count"]
        self.server.control.reset_calls()
        return counted


def messages(
    numbered: Iterable[tuple[int, Record]], every: int = 50, stream: str = STREAM
) -> Iterator[bytes]:
    """Singer messages with a state after `every` records, which holds the number of the next."""
    yield _line({"type": "SCHEMA", "stream": stream, "schema": {"properties": {}}})
    number = -1
    for count, (number, record) in enumerate(numbered, start=1):
        yield _line({"type": "RECORD", "stream": stream, "record": record})
        if count % every == 0:
            yield _line({"type": "STATE", "value": {"next": number + 1}})
    yield _line({"type": "STATE", "value": {"next": number + 1}})


def _line(message: Record) -> bytes:
    return json.dumps(message).encode() + b"\n"


def states(output: bytes) -> list[int]:
    """The positions in the states that a target has written; a line cut in half is none."""
    lines = [line for line in output.split(b"\n")[:-1] if line.strip()]
    return [json.loads(line)["next"] for line in lines]


@contextmanager
def company(
    seed: int,
    *,
    customers: int,
    items: int,
    speed: float = 1.0,
    switches: Switches | None = None,
    **settings: Any,
) -> Iterator[Company]:
    """A running sandbox with at least so many customers and items."""
    config = SandboxConfig(
        seed=seed,
        invoices=customers * INVOICES_A_CUSTOMER,
        only=("sales_invoices",),
        speed=speed,
        minutely_limit=NO_LIMIT,
        daily_limit=NO_LIMIT,
        switches=switches or Switches(),
    )
    with TemporaryDirectory() as folder, Sandbox(config).running() as server:
        _make_items(server, items)
        control, division = server.control, server.divisions[0]
        accounts = [row for row in control.truth(division, "accounts") if row["Status"] == "C"]
        goods = [row for row in control.truth(division, "items") if row["IsSalesItem"]]
        app = server.credentials
        found = Company(
            server,
            {
                "base_url": server.base_url,
                "client_id": app.client_id,
                "client_secret": app.client_secret,
                "store_url": f"sqlite:///{Path(folder) / 'store' / 'store.db'}",
                "division": division,
                **settings,
            },
            Path(folder),
            sorted(row["Code"] for row in accounts)[:customers],
            sorted(row["Code"] for row in goods)[:items],
            seed,
        )
        found.sign_in()
        control.reset_calls()
        yield found


def _make_items(server: Server, wanted: int) -> None:
    """Add items until the company has as many that can be sold, as any client would."""
    control, division = server.control, server.divisions[0]
    access = control.sign_in()["access_token"]
    known = [row for row in control.truth(division, "items") if row["IsSalesItem"]]
    with requests.Session() as http:
        http.headers["Authorization"] = f"Bearer {access}"
        for number in range(wanted - len(known)):
            answer = http.post(
                f"{server.base_url}/api/v1/{division}/logistics/Items",
                json={
                    "Code": f"PROOF-{number:04d}",
                    "Description": f"Article {number}",
                    "IsSalesItem": True,
                    "ItemGroup": known[0]["ItemGroup"],
                },
                timeout=60,
            )
            answer.raise_for_status()
