"""Read response bodies with limits of time and size.

The time-out of requests applies to each read of the socket, so a slow trickle never exceeds it. And
the length of a compressed body does not limit its decompressed size.
"""

from __future__ import annotations

import re
from contextlib import closing
from http.client import HTTPException
from io import BytesIO
from textwrap import shorten
from typing import TYPE_CHECKING

import requests
import urllib3

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_BYTES = 256_000_000
"""Maximum of a decompressed body. 1,000 rows of the widest entity have about 10 MB."""
NETWORK_ERRORS = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    HTTPException,
    OSError,
    ValueError,
    MemoryError,
)
"""Exceptions of a failed request; requests does not wrap all of them."""
CHUNK_BYTES = 65_536
"""Size of a read."""
MAX_TITLE = 80
CONNECT_TIMEOUT = 20.0
"""Seconds to connect, at most. A write must not be sent long after the journal noted its intent."""

_HTML = re.compile(rb"\s*<(!doctype html|html|head|body)\b", re.IGNORECASE)
_TITLE = re.compile(rb"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)


def timeouts(seconds: float) -> tuple[float, float]:
    """Return the time-outs of a request, to connect and to read, in seconds."""
    return min(CONNECT_TIMEOUT, seconds), seconds


def drop_location(answer: requests.Response, *_args: object, **_options: object) -> None:
    """Drop the Location header, which requests would parse even if it is malformed."""
    answer.headers.pop("Location", None)


def receive(
    answer: requests.Response, max_bytes: int, seconds: float, clock: Callable[[], float]
) -> None:
    """Read and decompress the body of a response into its `content`.

    A body of more than `max_bytes` is cut off somewhere beyond that limit.

    Raises:
        requests.Timeout: it was not complete after so many seconds.
        The errors of urllib3: the connection broke, or the body cannot be decompressed.
    """
    body = _read_raw(answer.raw, max_bytes, clock() + seconds, clock)
    encoding = answer.headers.get("Content-Encoding")
    if encoding:
        headers = {"Content-Encoding": encoding}
        unpacking = urllib3.HTTPResponse(BytesIO(body), headers, preload_content=False)
        body = unpacking.read(max_bytes + 1, decode_content=True)
    answer.raw = BytesIO(body)


def _read_raw(
    raw: urllib3.BaseHTTPResponse, max_bytes: int, deadline: float, clock: Callable[[], float]
) -> bytes:
    chunks = []
    with closing(raw):
        while max_bytes >= 0:
            chunk = raw.read1(CHUNK_BYTES, decode_content=False)
            if not chunk:
                break
            chunks.append(chunk)
            max_bytes -= len(chunk)
            if clock() > deadline:
                raise requests.Timeout
    return b"".join(chunks)


def is_html(body: bytes) -> bool:
    """Return whether a body is an HTML page, such as that of a proxy."""
    return _HTML.match(body) is not None


def describe(answer: requests.Response, max_bytes: int) -> str:
    """Describe a response body (size, kind, title) without quoting any data."""
    body = answer.content
    if len(body) > max_bytes:
        return f"more than {max_bytes / 1_000_000:.0f} MB"
    if not body.strip():
        return "an empty body"
    if is_html(body):
        match = _TITLE.search(body[:CHUNK_BYTES])
        title = " ".join(match[1].decode(errors="replace").split()) if match else ""
        return f'an HTML page titled "{shorten(title, MAX_TITLE)}"' if title else "an HTML page"
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip()
    return f"{len(body):,} bytes of {shorten(kind, MAX_TITLE) or 'no stated kind'}"
