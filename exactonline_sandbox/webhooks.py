"""Webhooks: signed events about changed rows, sent to the addresses that subscribed.

Only addresses on this machine are called.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from datetime import datetime

_TIMEOUT = 5
_LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Event:
    """A change of a row."""

    topic: str
    action: str
    """`Create`, `Update` or `Delete`."""
    division: int
    key: str
    url: str
    """Address of the row."""
    moment: datetime


class Sender:
    """Sends events one after the other, without holding up the calls that caused them."""

    def __init__(self) -> None:
        """Start with nothing to send."""
        self._worker: ThreadPoolExecutor | None = None

    def send(self, address: str, client_id: str, secret: str, event: Event) -> None:
        """Send an event in the background; one that cannot be delivered is lost."""
        if not is_local(address):
            return
        if self._worker is None:
            self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="webhooks")
        self._worker.submit(is_taken, address, payload(event, client_id, secret))


def is_local(address: str) -> bool:
    """Whether an address is on this machine."""
    return urlsplit(address).hostname in _LOCAL


def is_taken(address: str, body: bytes) -> bool:
    """Whether an address takes a POST: it answers in time, and with success."""
    request = urllib.request.Request(  # noqa: S310 - http or https, to this machine
        address, body, {"Content-Type": "application/json"}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT):  # noqa: S310
            return True
    except (OSError, ValueError):
        return False


def payload(event: Event, client_id: str, secret: str) -> bytes:
    """The body of an event: its content, and the HMAC-SHA256 of the text of that, in upper case."""
    content = json.dumps(
        {
            "Topic": event.topic,
            "ClientId": f"{{{client_id}}}",
            "Division": event.division,
            "Action": event.action,
            "Key": event.key,
            "ExactOnlineEndpoint": event.url,
            "EventCreatedOn": event.moment.strftime("%Y-%m-%dT%H:%M:%S.")
            + f"{event.moment.microsecond // 1000:03d}",
        },
        separators=(",", ":"),
    )
    code = hmac.new(secret.encode(), content.encode(), hashlib.sha256).hexdigest().upper()
    return f'{{"Content":{content},"HashCode":"{code}"}}'.encode()
