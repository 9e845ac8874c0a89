"""Check the columns of a stream's schema: report unknown ones, detect flat rows."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from target_exactonline.grouping.flat_rows import LINE_PREFIX, OWN_FIELDS
from target_exactonline.mapping.prepare import DIVISION
from target_exactonline.mapping.record import METADATA, is_metadata
from target_exactonline.schema.fields import shape_of
from target_exactonline.schema.names import plain
from target_exactonline.schema.unified import joined
from target_exactonline.stream_config import DOCUMENT, ROW

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from target_exactonline.schema.fields import Shape
    from target_exactonline.stream_config import StreamMapping

logger = logging.getLogger(__name__)

OWN_KEY = f"{METADATA}key_"
"""Prefix of key columns of the source that are no fields; they identify rows."""


def checked(mapping: StreamMapping, columns: Sequence[str], keys: Sequence[str]) -> StreamMapping:
    """Adjust a mapping to the columns of its schema, and log unknown columns once.

    Args:
        mapping: as the settings have it.
        columns: of the schema, by the names that the settings give them.
        keys: those of its key.
    """
    if _are_rows(mapping, columns, keys):
        mapping = replace(mapping, part=ROW)
        logger.info(
            "Stream %r has columns of lines: each record is taken as one line with the fields of "
            "its document (rows: lines).",
            mapping.stream,
        )
    unknown = [name for name in columns if not is_known(mapping, name) and name not in keys]
    if unknown and DIVISION not in map(plain, columns):
        resource = mapping.unified
        entity = resource.name if resource else mapping.entity.stream
        setting = {mapping.stream: {"entity": entity, "columns": {unknown[0]: None}}}
        logger.warning(
            "Stream %r: %s %s of %s. A record with a value there is rejected. Say in the "
            "setting streams which field it is, or null to ignore it: %s",
            mapping.stream,
            ", ".join(unknown),
            "is not a field" if len(unknown) == 1 else "are not fields",
            resource.name if resource else mapping.entity.endpoint.name,
            json.dumps(setting),
        )
    return mapping


def own_keys(
    mapping: StreamMapping, keys: Sequence[str], types: Mapping[str, Mapping[str, Any]]
) -> dict[str, str]:
    """The columns of the source's own key that are no field, by the names they are kept under.

    Args:
        mapping: of the stream.
        keys: the columns of its key.
        types: what the schema says of columns; a key that is a number is none of Exact Online.
    """
    return {
        name: OWN_KEY + name
        for name in keys
        if not is_known(mapping, name) or (_is_key(mapping, name) and _is_number(types.get(name)))
    }


def _is_key(mapping: StreamMapping, column: str) -> bool:
    """Whether a column has the name of a key (GUID) at Exact Online."""
    if mapping.unified:
        return joined(column) == "id"
    shapes = [shape_of(mapping.entity.endpoint.id), *filter(None, [_lines(mapping)])]
    return any(
        item.key and item.type == "Edm.Guid"
        for shape in shapes
        if (item := shape.known.get(plain(column)))
    )


def _is_number(schema: Mapping[str, Any] | None) -> bool:
    types = (schema or {}).get("type") or ()
    names = {types} if isinstance(types, str) else set(types)
    return bool(names) and names <= {"integer", "number", "null"}


def is_known(mapping: StreamMapping, column: str) -> bool:
    """Whether a column is a field of the documents of a stream, or of their lines."""
    name = plain(column)
    if is_metadata(column) or name in {plain(each) for each in OWN_FIELDS}:
        return True
    if mapping.unified:
        return mapping.unified.has(column)
    if _has(shape_of(mapping.entity.endpoint.id), name):
        return True
    lines = None if mapping.part == DOCUMENT else _lines(mapping)
    own = column[len(LINE_PREFIX) :] if column.casefold().startswith(LINE_PREFIX) else column
    return lines is not None and (_has(lines, name) or _has(lines, plain(own)))


def _has(shape: Shape, name: str) -> bool:
    return name in shape.known or name in shape.related_columns


def _lines(mapping: StreamMapping) -> Shape | None:
    children = shape_of(mapping.entity.endpoint.id).children
    return children.get(mapping.collection.name) if mapping.collection else None


def _are_rows(mapping: StreamMapping, columns: Sequence[str], keys: Sequence[str]) -> bool:
    """Whether a table of documents has a column that only lines have, and must have."""
    lines = _lines(mapping)
    if (
        mapping.unified
        or mapping.part != DOCUMENT
        or mapping.is_chosen
        or lines is None
        or mapping.collection is None
    ):
        return False
    names = {plain(column) for column in columns}
    header = shape_of(mapping.entity.endpoint.id)
    needed = {plain(name) for name in lines.required if name != lines.parent}
    needed |= {f"{name}code" for name in needed}
    is_of_lines = any(name in names and not _has(header, name) for name in needed)
    names_document = bool(keys) and all(_has(header, plain(key)) for key in keys)
    return is_of_lines and plain(mapping.collection.name) not in names and not names_document
