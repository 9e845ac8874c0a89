"""What the records of each stream are: whole documents, lines of documents, or flat rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from exactonline_client.errors import ConfigurationError
from target_exactonline.schema import entities
from target_exactonline.schema.names import nearest, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exactonline_client.catalogue import Property
    from target_exactonline.schema.entities import Entity

DOCUMENT, LINE, ROW = "document", "line", "row"
"""What a record is: a document (its header at least), a line of one, or both in one flat row."""
DOCUMENTS, LINES = "documents", "lines"
"""Choices of `rows` in the setting `streams`."""


@dataclass(frozen=True)
class Feed:
    """What the records of one stream are."""

    stream: str
    entity: Entity
    part: str
    reference_setting: str
    """The setting `reference_field` as it holds for this stream."""

    @cached_property
    def reference_field(self) -> str | None:
        """The property that holds the user's own reference; None where the entity has none.

        Raises:
            ConfigurationError: the setting is wrong for this entity.
        """
        return self.entity.reference_field(self.reference_setting)

    @cached_property
    def collection(self) -> Property | None:
        """The collection of the entity that holds its lines; None where it has none."""
        return collection(self.entity)


@dataclass(frozen=True)
class Choice:
    """What the setting `streams` says of a stream."""

    entity: str
    reference_field: str | None = None
    rows: str | None = None


def collection(entity: Entity) -> Property | None:
    """The collection without which a document of this entity cannot be created."""
    found = (
        item
        for item in entity.endpoint.properties.values()
        if item.navigation and item.post and item.mandatory and item.entity
    )
    return next(found, None)


@cache
def _parents() -> Mapping[str, Entity]:
    """The entities that have lines, by the plain name of a stream of those lines."""
    found = {}
    for entity in entities.entities().values():
        lines = collection(entity)
        if lines:
            found[plain(lines.name)] = entity
    return found


def choices(setting: Mapping[str, Any] | None) -> dict[str, Choice]:
    """The setting `streams`, checked.

    Raises:
        ConfigurationError: it names something that is no entity, or asks for something that the
            entity cannot do; the message names the stream and what is possible.
    """
    found = {}
    for stream, value in (setting or {}).items():
        choice = Choice(value) if isinstance(value, str) else Choice(**{"entity": stream, **value})
        _check(stream, choice)
        found[stream] = choice
    return found


def _check(stream: str, choice: Choice) -> None:
    name = _name(choice)
    is_line = _is_line(choice)
    known = {plain(known): entity for known, entity in entities.entities().items()}
    if not is_line and name not in known:
        possible = sorted({*entities.entities()})
        near = nearest(choice.entity, possible)
        raise ConfigurationError(
            f"Setting streams: stream {stream!r} is to be {choice.entity!r}, which is nothing that "
            f"can be written. {'Near it' if near else 'Possible'}: {', '.join(near or possible)}."
        )
    if is_line and (choice.rows or choice.reference_field):
        raise ConfigurationError(
            f"Setting streams: stream {stream!r} is a stream of lines ({choice.entity}); rows and "
            f"reference_field belong to the stream of its documents, {_parents()[name].stream}."
        )
    if choice.rows == LINES and not collection(known[name]):
        able = ", ".join(sorted(entity.stream for entity in _parents().values()))
        raise ConfigurationError(
            f"Setting streams: stream {stream!r} cannot have rows: lines, since "
            f"{choice.entity} have no lines. Those that have: {able}."
        )
    if choice.reference_field:
        known[name].check_reference(choice.reference_field)


def feed(stream: str, chosen: Mapping[str, Choice], reference_field: str) -> Feed:
    """What the records of a stream are.

    Args:
        stream: its name, with or without a schema in front as taps of databases send it.
        chosen: what the setting `streams` says.
        reference_field: the setting of this name, for streams that `chosen` says nothing of.

    Raises:
        ConfigurationError: nothing can be written for the stream.
    """
    choice = _chosen(stream, chosen)
    if _is_line(choice):
        entity, part = _parents()[_name(choice)], LINE
    else:
        entity = entities.find(choice.entity)
        part = ROW if choice.rows == LINES else DOCUMENT
    return Feed(stream, entity, part, choice.reference_field or reference_field)


def _name(choice: Choice) -> str:
    return plain(re.split(r"[-.]", choice.entity)[-1])


def _is_line(choice: Choice) -> bool:
    """Whether records are lines of documents; they may be asked to be written by themselves."""
    return _name(choice) in _parents() and choice.rows != DOCUMENTS


def _chosen(stream: str, chosen: Mapping[str, Choice]) -> Choice:
    by_plain = {plain(name): choice for name, choice in chosen.items()}
    for name in (stream, re.split(r"[-.]", stream)[-1]):
        if plain(name) in by_plain:
            return by_plain[plain(name)]
    return Choice(stream)
