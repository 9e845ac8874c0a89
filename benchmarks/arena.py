"""A sandbox to measure on, and programs that run against it with their time and memory measured."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from exactonline_sandbox import Sandbox, SandboxConfig
from tap_exactonline.tap import TapExactOnline

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from exactonline_sandbox import Server

TAP = (sys.executable, "-m", "tap_exactonline")
# A small program in between: what a process starts with is counted as memory of its child, and
# this one holds the sandbox.
MEASURE = (
    "import resource, subprocess, sys, time; began = time.perf_counter(); "
    "code = subprocess.run(sys.argv[1:]).returncode; "
    "seconds = time.perf_counter() - began; "
    "used = resource.getrusage(resource.RUSAGE_CHILDREN); "
    "print(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss, file=sys.stderr); "
    "sys.exit(code)"
)
TOKEN_AGE = 600
MANY = 10_000_000
"""A limit that no benchmark reaches."""
CHECKOUT: ContextVar[Path | None] = ContextVar("CHECKOUT", default=None)
"""The folder of the version whose programs are run; None for this one."""
OWN_SETTINGS = ("TAP_EXACTONLINE_", "TARGET_EXACTONLINE_", "EXACTONLINE_", "SINGER_SDK_")


@dataclass
class Arena:
    """A running sandbox, with a folder and the settings to reach it."""

    server: Server
    folder: Path
    settings: dict[str, Any]

    def sign_in(self) -> None:
        """A new chain of tokens, which can be used at once."""
        self.settings["refresh_token"] = self.server.control.sign_in()["refresh_token"]
        self.server.control.clock(advance_seconds=TOKEN_AGE)

    def data_calls(self) -> int:
        """Calls that counted against a limit, since the last reset."""
        calls = self.server.control.calls()["calls"]
        return sum(call["count"] for call in calls if call["division"])

    def file(self, name: str, content: object) -> str:
        """Write a JSON file; returns its path."""
        path = self.folder / name
        path.write_text(json.dumps(content), encoding="utf-8")
        return str(path)


@dataclass(frozen=True)
class Run:
    """What a program took."""

    seconds: float
    cpu_seconds: float
    """Of all its threads and children; other programs on the machine hardly change it."""
    megabytes: float
    """At its peak, as the operating system accounts for it."""
    errors: str
    """What it wrote to standard error."""


@contextmanager
def arena(**config: Any) -> Iterator[Arena]:  # noqa: ANN401 - as the sandbox takes them
    """A sandbox without limits, unless `config` sets some."""
    limits = {"minutely_limit": MANY, "daily_limit": MANY}
    sandbox = Sandbox(SandboxConfig(**{**limits, **config}))
    sandbox.prepare()
    with sandbox.running() as server, TemporaryDirectory() as folder:
        made = Arena(server, Path(folder), {})
        made.settings.update(
            base_url=server.base_url,
            client_id=server.credentials.client_id,
            client_secret=server.credentials.client_secret,
            store_url=f"sqlite:///{made.folder / 'store' / 'store.db'}",
        )
        made.sign_in()
        yield made


def catalog(
    streams: Iterable[str],
    columns: Iterable[str] | None = None,
    **config: Any,  # noqa: ANN401
) -> dict[str, Any]:
    """The discovered catalog with these streams alone, and these of their columns."""
    wanted = {*streams}
    chosen = None if columns is None else {*columns}
    found: dict[str, Any] = TapExactOnline(
        config=config, validate_config=False, setup_mapper=False
    ).catalog_dict
    found["streams"] = [entry for entry in found["streams"] if entry["tap_stream_id"] in wanted]
    for entry in found["streams"]:
        for item in entry["metadata"]:
            if not item["breadcrumb"]:
                item["metadata"]["selected"] = True
            elif chosen is not None:
                item["metadata"]["selected"] = item["breadcrumb"][-1] in chosen
    return found


def measured(command: Iterable[str], output: Path | None = None, source: Path | None = None) -> Run:
    """Run a program to its end; its output goes to a file or nowhere, its input is `source`."""
    with (
        (output or Path(os.devnull)).open("wb") as written,
        (source or Path(os.devnull)).open("rb") as given,
    ):
        done = subprocess.run(
            [sys.executable, "-c", MEASURE, *command],
            stdin=given,
            stdout=written,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            # Python finds the packages of the folder that it runs in first.
            cwd=CHECKOUT.get(),
            env=clean_environment(),
        )
    if done.returncode:
        raise SystemExit(done.stderr)
    *errors, last = done.stderr.splitlines()
    seconds, cpu_seconds, kilobytes = last.split()
    return Run(float(seconds), float(cpu_seconds), int(kilobytes) / 1024, "\n".join(errors))


@contextmanager
def programs_of(checkout: Path) -> Iterator[None]:
    """Measure the programs of another checkout of this project, against the same sandbox."""
    token = CHECKOUT.set(checkout)
    try:
        yield
    finally:
        CHECKOUT.reset(token)


def clean_environment() -> dict[str, str]:
    """The environment without settings that a user of this machine may have in it."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OWN_SETTINGS)}


def records(output: Path) -> int:
    """How many records a tap has written."""
    with output.open("rb") as lines:
        return sum(line.startswith(b'{"type":"RECORD"') for line in lines)


def load(here: Arena, selection: Mapping[str, Any]) -> tuple[int, Run]:
    """One run of the tap from nothing; returns records and what it took."""
    here.sign_in()
    here.server.control.reset_calls()
    config = here.file("config.json", here.settings)
    files = ("--config", config, "--catalog", here.file("catalog.json", selection))
    output = here.folder / "out.jsonl"
    run = measured((*TAP, *files), output)
    return records(output), run


def pages(rows: int, size: int) -> int:
    """Calls to read so many rows."""
    return max(1, math.ceil(rows / size))


def now() -> float:
    """Seconds, for differences."""
    return time.perf_counter()
