"""Webhook payloads: a hint of what has changed, and where.

A payload holds no data, and some are lost on their way: what it names is read as ever, from the
bookmark on.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from exactonline_client.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from exactonline_client.catalogue import Catalogue
    from tap_exactonline.definitions.definition import Plan

logger = logging.getLogger(__name__)

SETTING = "divisions_from"


class Content(msgspec.Struct, frozen=True):
    """What has happened."""

    topic: str = msgspec.field(name="Topic")
    action: str = msgspec.field(name="Action")
    """`Create`, `Update` or `Delete`."""
    division: int = msgspec.field(name="Division")
    key: str | None = msgspec.field(name="Key", default=None)


class _Payload(msgspec.Struct):
    content: msgspec.Raw = msgspec.field(name="Content")
    hash_code: str = msgspec.field(name="HashCode")


@dataclass(frozen=True)
class Event:
    """A payload that was understood."""

    content: Content
    signed: bytes
    """The text of the content, byte by byte as it came."""
    hash_code: str

    def is_signed_with(self, secret: str) -> bool:
        """Whether the hash is that of the content, made with the secret of the webhook."""
        made = hmac.new(secret.encode(), self.signed, hashlib.sha256).hexdigest().upper()
        return hmac.compare_digest(made.encode(), self.hash_code.encode())


def parse(payload: bytes) -> Event:
    """The event in a payload.

    Raises:
        ValueError: it is not the payload of a webhook.
    """
    try:
        found = msgspec.json.decode(payload, type=_Payload)
        signed = bytes(found.content)
        return Event(msgspec.json.decode(signed, type=Content), signed, found.hash_code)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ValueError(f"this is not the payload of a webhook: {error}") from None


def read(path: str) -> list[Content]:
    """The events in a file of payloads, one a line; a line that holds none is left out.

    Raises:
        ConfigurationError: the file cannot be read.
    """
    try:
        lines = Path(path).read_bytes().splitlines()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "that is no path"
        raise ConfigurationError(f"Setting {SETTING}: {path} cannot be read: {reason}.") from None
    found = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            found.append(parse(line).content)
        except ValueError as error:
            logger.warning("%s line %d was left out: %s", path, number, error)
    return found


def divisions_by_stream(
    events: Iterable[Content], plans: Iterable[Plan], catalogue: Catalogue
) -> Mapping[str, set[int]]:
    """In which divisions each stream has news, by the topics of its endpoints."""
    divisions: dict[str, set[int]] = defaultdict(set)
    for event in events:
        divisions[event.topic].add(event.division)
    found: dict[str, set[int]] = defaultdict(set)
    used = set()
    for plan in plans:
        for topic in _topics(plan, catalogue):
            used.add(topic)
            for name in filter(None, (plan.name, plan.headers)):
                found[name] |= divisions.get(topic, set())
    for topic in sorted(divisions.keys() - used):
        logger.warning("Webhooks of the topic %s name no stream.", topic)
    return found


def _topics(plan: Plan, catalogue: Catalogue) -> set[str]:
    stream = plan.stream
    ids = filter(None, (stream.plain, stream.bulk, stream.sync, plan.endpoint.id))
    endpoints = [catalogue.endpoints[id_] for id_ in ids if id_ in catalogue.endpoints]
    topics = (endpoint.webhook_topic for endpoint in endpoints)
    return {topic for joined in topics if joined for topic in joined.split("|")}
