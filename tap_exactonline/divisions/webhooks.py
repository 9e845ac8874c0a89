"""Webhook payloads: which streams have changes in which divisions.

A payload contains no data, and some get lost: the streams are read from their bookmarks as usual.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from exactonline_client.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from exactonline_client.catalogue import Catalogue
    from tap_exactonline.definitions.definition import StreamDefinition

logger = logging.getLogger(__name__)

SETTING = "divisions_from"


class Content(msgspec.Struct, frozen=True):
    """Content of a payload: topic, action, division and key."""

    topic: str = msgspec.field(name="Topic")
    action: str = msgspec.field(name="Action")
    """`Create`, `Update` or `Delete`."""
    division: int = msgspec.field(name="Division")
    key: str | None = msgspec.field(name="Key", default=None)


class _Payload(msgspec.Struct):
    content: msgspec.Raw = msgspec.field(name="Content")
    hash_code: str = msgspec.field(name="HashCode")


class Event(msgspec.Struct, frozen=True):
    """A parsed payload."""

    content: Content
    signed: bytes
    """Raw JSON of the content, which the hash was made from."""
    hash_code: str

    def is_signed_with(self, secret: str) -> bool:
        """Whether the hash is the HMAC-SHA256 of the content with the webhook's secret."""
        made = hmac.new(secret.encode(), self.signed, hashlib.sha256).hexdigest().upper()
        return hmac.compare_digest(made.encode(), self.hash_code.encode())


def parse(payload: bytes) -> Event:
    """Parse a payload.

    Raises:
        ValueError: it is not the payload of a webhook.
    """
    try:
        raw = msgspec.json.decode(payload, type=_Payload)
        signed = bytes(raw.content)
        return Event(msgspec.json.decode(signed, type=Content), signed, raw.hash_code)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ValueError(f"this is not the payload of a webhook: {error}") from None


def read(path: str) -> list[Content]:
    """Read a file with one payload per line; invalid lines are skipped with a warning.

    Raises:
        ConfigurationError: the file cannot be read.
    """
    try:
        lines = Path(path).read_bytes().splitlines()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "that is not a path"
        raise ConfigurationError(f"Setting {SETTING}: {path} cannot be read: {reason}.") from None
    contents = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            contents.append(parse(line).content)
        except ValueError as error:
            logger.warning("%s line %d was left out: %s", path, number, error)
    return contents


def divisions_by_stream(
    events: Iterable[Content], definitions: Iterable[StreamDefinition], catalogue: Catalogue
) -> Mapping[str, set[int]]:
    """Divisions with changes by stream, from the topics of the stream's endpoints."""
    divisions: dict[str, set[int]] = defaultdict(set)
    for event in events:
        divisions[event.topic].add(event.division)
    by_stream: dict[str, set[int]] = defaultdict(set)
    used = set()
    for definition in definitions:
        for topic in _topics(definition, catalogue):
            used.add(topic)
            for name in filter(None, (definition.name, definition.headers)):
                by_stream[name] |= divisions.get(topic, set())
    for topic in sorted(divisions.keys() - used):
        logger.warning("Webhooks of the topic %s name no stream.", topic)
    return by_stream


def _topics(definition: StreamDefinition, catalogue: Catalogue) -> set[str]:
    stream = definition.stream
    ids = filter(None, (stream.plain, stream.bulk, stream.sync, definition.endpoint.id))
    endpoints = [catalogue.endpoints[id_] for id_ in ids if id_ in catalogue.endpoints]
    topics = (endpoint.webhook_topic for endpoint in endpoints)
    return {topic for joined in topics if joined for topic in joined.split("|")}
