"""Subscriptions to webhooks, and the events that they are sent."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from exactonline_sandbox.business.editor import missing
from exactonline_sandbox.edm.model import entity_name, schema
from exactonline_sandbox.errors import invalid
from exactonline_sandbox.webhooks import Event, is_local, is_taken

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from exactonline_sandbox.books.company import Company
    from exactonline_sandbox.books.tables import Row

SUBSCRIPTIONS = "webhooks/WebhookSubscriptions"
_ACTIONS = {"created": "Create", "updated": "Update", "deleted": "Delete"}


@cache
def topic_of() -> dict[str, str]:
    """The topic of each table that has one of its own; lines have none."""
    return {
        endpoint.id: endpoint.webhook_topic
        for endpoint in schema().endpoints.values()
        if endpoint.kind == "crud" and endpoint.webhook_topic == entity_name(endpoint)
    }


@cache
def _topics() -> set[str]:
    endpoints = schema().endpoints.values()
    return {topic for point in endpoints for topic in (point.webhook_topic or "").split("|")}


def check_subscription(company: Company, values: Row, client_id: str) -> None:
    """Check a new subscription, call its address, and set its app.

    Raises:
        ApiError: 500 for an unknown topic, for a subscription that there is already, and for an
            address that is not https or does not answer.
    """
    absent = [name for name in ("CallbackURL", "Topic") if not values.get(name)]
    if absent:
        raise missing(*absent)
    address, topic = values["CallbackURL"], values["Topic"]
    if topic not in _topics() - {""}:
        raise invalid("Invalid value: Topic")
    if urlsplit(address).scheme != "https" and not is_local(address):
        raise invalid("Invalid value: CallbackURL")
    for other in company.table(SUBSCRIPTIONS).where("Topic", topic):
        if (other["CallbackURL"], other["ClientID"]) == (address, client_id):
            raise invalid("Already exists: Topic, CallbackURL")
    if is_local(address) and not is_taken(address, b""):
        raise invalid("The callback URL does not respond: CallbackURL")
    values["ClientID"] = client_id


def due_events(company: Company, base_url: str, moment: datetime) -> Iterator[tuple[Row, Event]]:
    """What has changed in a division since this was last asked, with each subscription to it.

    Args:
        company: The division.
        base_url: Address of the sandbox.
        moment: Time of the server's wall clock.
    """
    changes, subscriptions = company.take_events(), company.table(SUBSCRIPTIONS)
    if not len(subscriptions):
        return
    for action, table, key in dict.fromkeys(changes):
        topic = topic_of().get(table)
        url = f"{base_url}/api/v1/{company.code}/{table}(guid'{key}')"
        for row in subscriptions.where("Topic", topic) if topic is not None else ():
            yield row, Event(row["Topic"], _ACTIONS[action], company.code, key, url, moment)
