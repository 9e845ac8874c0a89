"""Subscriptions to webhooks, and the events that they are sent."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

from tap_exactonline.divisions import webhooks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.sandbox.conftest import Api

SUBSCRIPTIONS = "webhooks/WebhookSubscriptions"


@dataclass
class Receiver:
    """Takes what is sent to its address."""

    address: str
    bodies: Queue[bytes] = field(default_factory=Queue)
    status: int = 200

    def event(self) -> webhooks.Event:
        return webhooks.parse(self.bodies.get(timeout=10))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.bodies.put(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(taken.status)
            self.end_headers()

        @override
        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    taken = Receiver(f"http://127.0.0.1:{server.server_port}/hook")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield taken
    server.shutdown()
    server.server_close()


def subscribe(api: Api, address: str, topic: str = "Accounts") -> Any:
    return api.call("POST", SUBSCRIPTIONS, {"CallbackURL": address, "Topic": topic})


def test_the_address_is_called_at_once_with_an_empty_body(
    start: Callable[..., Api], receiver: Receiver
) -> None:
    api = start()
    row = subscribe(api, receiver.address).json()["d"]
    assert row["ClientID"] == api.server.credentials.client_id
    assert receiver.bodies.get(timeout=10) == b""


def test_changes_are_sent_signed(start: Callable[..., Api], receiver: Receiver) -> None:
    api = start()
    subscribe(api, receiver.address)
    receiver.bodies.get(timeout=10)
    key = api.create("crm/Accounts", {"Name": "Foobar"})["ID"]
    api.call("PUT", f"crm/Accounts(guid'{key}')", {"Name": "Foobar 2"})
    api.create("logistics/Items", {"Code": "NEW", "Description": "No topic of ours"})
    api.call("DELETE", f"crm/Accounts(guid'{key}')")
    for action in ("Create", "Update", "Delete"):
        event = receiver.event()
        assert event.is_signed_with(api.server.credentials.webhook_secret)
        assert not event.is_signed_with("another")
        content = event.content
        assert (content.topic, content.action, content.key) == ("Accounts", action, key)
        assert content.division == api.division
    assert receiver.bodies.empty()


def test_a_simulated_day_sends_events_too(start: Callable[..., Api], receiver: Receiver) -> None:
    api = start()
    subscribe(api, receiver.address, "SalesInvoices")
    receiver.bodies.get(timeout=10)
    api.server.control.changes(api.division, new=1, changed=0, deleted=0)
    assert receiver.event().content.topic == "SalesInvoices"


def test_the_same_subscription_twice_is_refused(
    start: Callable[..., Api], receiver: Receiver
) -> None:
    api = start()
    assert subscribe(api, receiver.address).status_code == 201
    again = subscribe(api, receiver.address)
    assert again.status_code == 500
    assert "Already exists" in api.message(again)
    assert subscribe(api, receiver.address, "Items").status_code == 201


def test_an_address_that_does_not_take_the_call_is_refused(
    start: Callable[..., Api], receiver: Receiver
) -> None:
    api = start()
    receiver.status = 500
    refused = subscribe(api, receiver.address)
    assert refused.status_code == 500
    assert "does not respond" in api.message(refused)
    assert not api.rows(SUBSCRIPTIONS)


@pytest.mark.parametrize(
    ("address", "topic", "status"),
    [
        ("http://example.com/hook", "Accounts", 500),
        ("https://example.com/hook", "Nonsense", 500),
        ("https://example.com/hook", "Accounts", 201),
    ],
)
def test_subscriptions_are_checked(
    start: Callable[..., Api], address: str, topic: str, status: int
) -> None:
    assert subscribe(start(), address, topic).status_code == status
