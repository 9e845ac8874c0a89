"""Reading the body of an answer within bounds of time and size.

The time-out of a request is one for each read of the connection: an answer that drips is never
late by it. Nor does the length of an answer tell how much it unpacks to.
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
"""Bytes that an answer may have, unpacked. A page of 1,000 rows of the widest entity has 10 MB."""
NETWORK_ERRORS = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    HTTPException,
    OSError,
    ValueError,
    MemoryError,
)
"""What a request that got no answer may end in: not all of it is wrapped by requests."""
CHUNK_BYTES = 65_536
"""Bytes that an answer is read by."""
MAX_TITLE = 80
CONNECT_TIMEOUT = 20.0
"""Seconds that a connection may take to come about, whatever time an answer has: what hangs there
must not leave long after it was noted as about to be sent."""

_HTML = re.compile(rb"\s*<(!doctype html|html|head|body)\b", re.IGNORECASE)
_TITLE = re.compile(rb"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)


def timeouts(seconds: float) -> tuple[float, float]:
    """The time-outs of a request whose answer may take so long: to connect, and to read."""
    return min(CONNECT_TIMEOUT, seconds), seconds


def drop_location(answer: requests.Response, *_args: object, **_options: object) -> None:
    """Keep requests from looking into where a redirect leads, which need not be an address."""
    answer.headers.pop("Location", None)


def receive(
    answer: requests.Response, max_bytes: int, seconds: float, clock: Callable[[], float]
) -> None:
    """Read the body of an answer, which is `content` from then on, as it is when unpacked.

    Of one that is longer than `max_bytes` there is more than that, and not all of it.

    Raises:
        requests.Timeout: it was not there to its end after so many seconds.
        The errors of urllib3: it broke off, or cannot be unpacked.
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
    """Whether a body is a page for people, such as a proxy's."""
    return _HTML.match(body) is not None


def describe(answer: requests.Response, max_bytes: int) -> str:
    """What came, in a few words that hold nothing of any record."""
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
