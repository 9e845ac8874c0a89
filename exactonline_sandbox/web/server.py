"""Run a sandbox on 127.0.0.1, in the foreground or in a thread."""

from __future__ import annotations

import gc
import signal
import ssl
import tempfile
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn
from typing_extensions import override

from exactonline_sandbox.control.client import Control
from exactonline_sandbox.web.app import make_app
from exactonline_sandbox.web.tls import make_certificate
from exactonline_sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from exactonline_sandbox.clock import Clock
    from exactonline_sandbox.config import App, SandboxConfig

HOST = "127.0.0.1"
_STOP_SECONDS = 10


@dataclass(frozen=True)
class Server:
    """A running sandbox."""

    base_url: str
    credentials: App
    """The first app registration: client id, secret and redirect addresses."""
    divisions: tuple[int, ...]
    world: World
    """State of the sandbox; use only while no call is running."""
    ca_file: Path | None = None
    """The certificate to trust, with TLS."""

    @property
    def control(self) -> Control:
        """A client of the control API."""
        context = ssl.create_default_context(cafile=self.ca_file) if self.ca_file else None
        return Control(self.base_url, context)

    def settings(self) -> dict[str, str]:
        """Settings for a client: base URL, app credentials and a new refresh token."""
        return {
            "base_url": self.base_url,
            "client_id": self.credentials.client_id,
            "client_secret": self.credentials.client_secret,
            "refresh_token": self.control.sign_in()["refresh_token"],
        }


class Sandbox:
    """A local Exact Online with made-up data."""

    def __init__(self, config: SandboxConfig) -> None:
        """Set up the state; no server runs yet."""
        self.config = config
        self.world = World(config)

    def prepare(self) -> None:
        """Generate the data of the first division now instead of at its first call."""
        self.world.company(self.config.division_codes[0])

    @contextmanager
    def running(self) -> Iterator[Server]:
        """Serve in a thread until the block ends.

        Raises:
            RuntimeError: The server does not start; its port may be taken.
        """
        with self._files() as files:
            ready = threading.Event()
            server = _make_server(self.world, files, lambda _url: ready.set())
            thread = threading.Thread(target=_run_quietly, args=(server,), daemon=True)
            thread.start()
            while not ready.wait(0.05):
                if not thread.is_alive():
                    raise RuntimeError(f"The sandbox cannot use port {self.config.port}.")
            try:
                yield self._server(server.url, files)
            finally:
                server.should_exit = True
                thread.join(_STOP_SECONDS)

    def serve(self, on_ready: Callable[[Server], None]) -> None:
        """Serve in the foreground until Ctrl-C or SIGTERM.

        Args:
            on_ready: Called once it accepts calls.

        Raises:
            RuntimeError: The server does not start; its port may be taken.
        """
        # The data live as long as the process; exempt them from garbage collection.
        gc.freeze()
        with self._files() as files:
            server = _make_server(self.world, files, lambda url: on_ready(self._server(url, files)))
            _run_quietly(server)
            if not server.started:
                raise RuntimeError(f"The sandbox cannot use port {self.config.port}.")

    @contextmanager
    def _files(self) -> Iterator[tuple[Path, Path] | None]:
        """Certificate and key files; None without TLS."""
        if not self.config.tls:
            yield None
            return
        with tempfile.TemporaryDirectory(prefix="exactonline-sandbox-") as folder:
            yield make_certificate(Path(folder))

    def _server(self, base_url: str, files: tuple[Path, Path] | None) -> Server:
        config = self.config
        ca_file = files[0] if files else None
        return Server(base_url, config.apps[0], config.division_codes, self.world, ca_file)


class _Uvicorn(uvicorn.Server):
    """A uvicorn server with a callback when ready, and a quiet exit on a signal."""

    url = ""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[str], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    @override
    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        if self.started:
            port = self.servers[0].sockets[0].getsockname()[1]
            scheme = "https" if self.config.is_ssl else "http"
            self.url = f"{scheme}://{HOST}:{port}"
            self._on_ready(self.url)

    @override
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn raises the signal again after a clean stop; this does not.
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        wanted = (signal.SIGINT, signal.SIGTERM)
        former = {number: signal.signal(number, self.handle_exit) for number in wanted}
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)


def _run_quietly(server: _Uvicorn) -> None:
    """Run until stopped; a port that is taken stops it before it started."""
    try:
        server.run()
    except SystemExit:
        server.should_exit = True


def _make_server(
    world: World, files: tuple[Path, Path] | None, on_ready: Callable[[str], None]
) -> _Uvicorn:
    certificate, key = files or (None, None)
    config = uvicorn.Config(
        _with_abort(_with_date(make_app(world), world.clock)),
        host=HOST,
        port=world.config.port,
        http="h11",
        ws="none",
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        date_header=False,  # would be the machine's time, not the sandbox's
        access_log=False,
        use_colors=False,
        log_level="warning",
        h11_max_incomplete_event_size=64 * 1024,
        timeout_graceful_shutdown=_STOP_SECONDS // 2,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
    return _Uvicorn(config, on_ready)


def _with_abort(app: ASGIApp) -> ASGIApp:
    """Add a function to the scope that aborts the connection."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        # ASGI cannot abort a connection; uvicorn's `send` is a method of the object that holds
        # the socket.
        cycle = getattr(send, "__self__", None)
        scope["sandbox.abort"] = lambda: cycle.transport.abort() if cycle else None
        await app(scope, receive, send)

    return wrapped


def _with_date(app: ASGIApp, clock: Clock) -> ASGIApp:
    """Add a `Date` header with the time of the sandbox."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = format_datetime(clock.now(), usegmt=True).encode()
                message["headers"] = [*message.get("headers", []), (b"date", date)]
            await send(message)

        await app(scope, receive, dated)

    return wrapped
