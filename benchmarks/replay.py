"""A server that repeats answers of the sandbox: `python -m benchmarks.replay FILE [--tls]`.

It sends recorded bodies as bytes, so that reading is measured and not the making of pages. It
writes its address to standard output and ends when its standard input does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import ssl
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from exactonline_sandbox.web.tls import make_certificate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PLACE = "http://recorded.invalid"
"""Stands for the server's own address in what was recorded."""
TOKENS = b'{"access_token":"a","token_type":"bearer","expires_in":"600","refresh_token":"r"}'


def save(bodies: Mapping[str, str], base_url: str, file: Path) -> None:
    """Write down bodies by address (path and query)."""
    found = {
        address.removeprefix(base_url): body.replace(base_url, PLACE)
        for address, body in bodies.items()
    }
    file.write_text(json.dumps(found), encoding="utf-8")


class Replay:
    """Answers with what was recorded."""

    def __init__(self, recorded: Mapping[str, str], base_url: str) -> None:
        """Links in the answers point to `base_url`."""
        self._bodies = {
            _key(address): body.replace(PLACE, base_url).encode()
            for address, body in recorded.items()
        }
        # Who asks with other options gets the first page of the list all the same.
        self._first: dict[str, bytes] = {}
        for (path, _), body in self._bodies.items():
            self._first.setdefault(path, body)

    def answer(self, method: str, address: str) -> tuple[int, bytes]:
        """Status and body."""
        if method == "POST":
            return 200, TOKENS
        key = _key(address)
        body = self._bodies.get(key) or self._first.get(key[0])
        return (200, body) if body else (404, b"")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                method, address, _ = head.split(" ", 2)
                await reader.readexactly(_length(head))
                status, body = self.answer(method, address)
                writer.write(
                    b"HTTP/1.1 %d -\r\nContent-Type: application/json\r\n"
                    b"Content-Length: %d\r\n\r\n" % (status, len(body))
                )
                writer.write(body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def _key(address: str) -> tuple[str, frozenset[tuple[str, str]]]:
    """A form that is equal for equal addresses, however they are encoded."""
    path, _, query = address.partition("?")
    return path, frozenset(parse_qsl(query))


def _length(head: str) -> int:
    for line in head.splitlines():
        name, _, value = line.partition(":")
        if name.lower() == "content-length":
            return int(value)
    return 0


@contextmanager
def running(file: Path, *, tls: bool = False) -> Iterator[tuple[str, str]]:
    """Run the server as a program of its own; gives its address and its certificate's file."""
    command = [sys.executable, "-m", "benchmarks.replay", str(file), *(["--tls"] if tls else [])]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError
        base_url, _, certificate = process.stdout.readline().strip().partition(" ")
        try:
            yield base_url, certificate
        finally:
            process.stdin.close()


async def _main(recorded: Mapping[str, str], certificate: tuple[Path, Path] | None) -> None:
    context = None
    if certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*certificate)
    listener = socket.create_server(("127.0.0.1", 0))
    base_url = f"http{'s' if context else ''}://127.0.0.1:{listener.getsockname()[1]}"
    replay = Replay(recorded, base_url)
    server = await asyncio.start_server(replay.serve, sock=listener, ssl=context)
    print(base_url, certificate[0] if certificate else "", flush=True)
    async with server:
        await asyncio.to_thread(sys.stdin.read)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.replay", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--tls", action="store_true")
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        certificate = make_certificate(Path(folder)) if arguments.tls else None
        asyncio.run(_main(json.loads(arguments.file.read_text(encoding="utf-8")), certificate))


if __name__ == "__main__":
    main()
