"""Map streams to entities: records are documents, lines of documents, or flat rows."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from exactonline_client.errors import ConfigurationError
from target_exactonline.schema import entities, unified
from target_exactonline.schema.columns import Columns, columns_of
from target_exactonline.schema.names import nearest, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exactonline_client.catalogue import Property
    from target_exactonline.schema.entities import Entity
    from target_exactonline.schema.unified import UnifiedResource

DOCUMENT, LINE, ROW = "document", "line", "row"
"""Kind of a record: a document or its header, a line, or a flat row of both."""
DOCUMENTS, LINES = "documents", "lines"
"""Values of `rows` in the setting `streams`."""


@dataclass(frozen=True)
class StreamMapping:
    """The entity and kind of a stream's records."""

    stream: str
    entity: Entity
    part: str
    reference_setting: str
    """The setting `reference_field` for this stream."""
    columns: Columns = field(default_factory=Columns)
    """How its columns are renamed, ignored, or set."""
    is_chosen: bool = False
    """Whether the setting `rows` is given."""
    unified: UnifiedResource | None = None
    """What its records are in the unified shape; None where they have Exact's names."""

    @cached_property
    def reference_field(self) -> str | None:
        """The property that holds the user's reference; None if the entity has none.

        Raises:
            ConfigurationError: the setting is invalid for this entity.
        """
        return self.entity.reference_field(self.reference_setting)

    @cached_property
    def collection(self) -> Property | None:
        """The collection property of the entity's lines; None if it has none."""
        return collection(self.entity)


@dataclass(frozen=True)
class StreamSetting:
    """An entry of the setting `streams`."""

    entity: str
    reference_field: str | None = None
    rows: str | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)


def collection(entity: Entity) -> Property | None:
    """Return the mandatory collection of an entity: its lines; None if it has none."""
    collections = (
        item
        for item in entity.endpoint.properties.values()
        if item.navigation and item.post and item.mandatory and item.entity
    )
    return next(collections, None)


@cache
def _header_entities() -> Mapping[str, Entity]:
    """Return the entities with lines, by the normalised name of the collection."""
    headers = {}
    for entity in entities.entities().values():
        lines = collection(entity)
        if lines:
            headers[plain(lines.name)] = entity
    return headers


def parse_setting(value: Mapping[str, Any] | None) -> dict[str, StreamSetting]:
    """Parse and check the setting `streams`.

    Raises:
        ConfigurationError: an entry names an unknown entity or an option that the entity does not
            support; the message names the stream and valid choices.
    """
    settings = {}
    for stream, given in (value or {}).items():
        fields: dict[str, Any] = (
            {"entity": given} if isinstance(given, str) else {"entity": stream, **given}
        )
        settings[stream] = StreamSetting(**fields)
        _check(stream, settings[stream])
    return settings


def _check(stream: str, setting: StreamSetting) -> None:
    name = _name(setting)
    is_line = _is_line(setting)
    known = {plain(known): entity for known, entity in entities.entities().items()}
    resource = None if name in known else unified.find(setting.entity)
    if resource:
        _check_unified(stream, setting, resource)
        return
    if not is_line and name not in known:
        possible = sorted({*entities.entities()})
        near = nearest(setting.entity, possible)
        hint = f"Did you mean {' or '.join(near)}?" if near else f"Possible: {', '.join(possible)}."
        raise ConfigurationError(
            f"Setting streams: {setting.entity!r} (of stream {stream!r}) is not a writable entity. "
            f"{hint}"
        )
    if is_line and (setting.rows or setting.reference_field):
        raise ConfigurationError(
            f"Setting streams: stream {stream!r} is a stream of lines ({setting.entity}); rows and "
            "reference_field belong to the stream of its documents, "
            f"{_header_entities()[name].stream}."
        )
    if setting.rows == LINES and not collection(known[name]):
        able = ", ".join(sorted(entity.stream for entity in _header_entities().values()))
        raise ConfigurationError(
            f"Setting streams: stream {stream!r} cannot have rows: lines, since "
            f"{setting.entity} have no lines. Those that have: {able}."
        )
    if setting.reference_field:
        known[name].check_reference(setting.reference_field)


def _check_unified(stream: str, setting: StreamSetting, resource: UnifiedResource) -> None:
    if setting.rows:
        raise ConfigurationError(
            f"Setting streams: stream {stream!r} is {resource.name} in the unified shape, which "
            "have their lines inside: leave out rows."
        )
    if setting.reference_field:
        entities.find(resource.stream).check_reference(setting.reference_field)


def map_stream(
    stream: str, settings: Mapping[str, StreamSetting], reference_field: str
) -> StreamMapping:
    """Map a stream to an entity, by its entry in `settings` or else by its name.

    Args:
        stream: name of the stream, with or without the schema prefix of database taps.
        settings: the parsed setting `streams`.
        reference_field: setting of this name, for streams without one of their own.

    Raises:
        ConfigurationError: no entity matches the stream.
    """
    setting = _setting_of(stream, settings)
    resource = None
    if _is_line(setting):
        entity, part = _header_entities()[_name(setting)], LINE
    elif resource := unified.find(setting.entity):
        entity, part = entities.find(resource.stream), DOCUMENT
    else:
        entity = entities.find(setting.entity)
        part = ROW if setting.rows == LINES else DOCUMENT
    return StreamMapping(
        stream,
        entity,
        part,
        setting.reference_field or reference_field,
        columns_of(setting.columns),
        is_chosen=setting.rows is not None,
        unified=resource,
    )


def _name(setting: StreamSetting) -> str:
    return plain(re.split(r"[-.]", setting.entity)[-1])


def _is_line(setting: StreamSetting) -> bool:
    """Return whether records are lines, unless `rows` is set to write them as documents."""
    return _name(setting) in _header_entities() and setting.rows != DOCUMENTS


def _setting_of(stream: str, settings: Mapping[str, StreamSetting]) -> StreamSetting:
    by_plain = {plain(name): setting for name, setting in settings.items()}
    for name in (stream, re.split(r"[-.]", stream)[-1]):
        if plain(name) in by_plain:
            return by_plain[plain(name)]
    return StreamSetting(stream)
