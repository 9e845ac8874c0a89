"""Serve the page on 127.0.0.1 until the user has finished or it is idle."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import uvicorn

from exactonline_client.errors import ConfigurationError

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from exactonline_cli.sign_in.page.session import Session

HOST = "127.0.0.1"
POLL_SECONDS = 0.2
"""Time between two checks whether the session is over."""


def listen(port: int) -> socket.socket:
    """Listen on a port; 0 stands for any free one.

    Raises:
        ConfigurationError: the port is taken.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"Port {port} of this machine cannot be used ({error.strerror}). Choose another with "
            "--port, or any free one with --port 0."
        ) from None
    return listener


def origin(listener: socket.socket) -> str:
    """The address of the page."""
    return f"http://{HOST}:{listener.getsockname()[1]}"


def serve(app: Starlette, session: Session, listener: socket.socket) -> None:
    """Serve until the session is over or Ctrl-C."""
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        # Addresses hold secrets: the key of the page, the code of a sign-in.
        access_log=False,
        use_colors=False,
        log_level="error",
        timeout_graceful_shutdown=5,
    )
    asyncio.run(_serve(uvicorn.Server(config), session, listener))


async def _serve(server: uvicorn.Server, session: Session, listener: socket.socket) -> None:
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not serving.done():
        await asyncio.wait({serving}, timeout=POLL_SECONDS)
        server.should_exit = server.should_exit or session.over()
    await serving
