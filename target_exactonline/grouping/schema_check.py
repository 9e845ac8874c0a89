"""What the schema of a stream tells before its records come: unknown columns, and flat rows."""

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
from target_exactonline.stream_config import DOCUMENT, ROW

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from target_exactonline.schema.fields import Shape
    from target_exactonline.stream_config import Feed

logger = logging.getLogger(__name__)

OWN_KEY = f"{METADATA}key_"
"""Stands in front of a column of the source's own key, which is no field and tells rows apart."""


def checked(feed: Feed, columns: Sequence[str], keys: Sequence[str]) -> Feed:
    """The feed as the columns of its schema make it; what is unknown is told once.

    Args:
        feed: as the settings have it.
        columns: of the schema, by the names that the settings give them.
        keys: those of its key.
    """
    if _are_rows(feed, columns, keys):
        feed = replace(feed, part=ROW)
        logger.info(
            "Stream %r has columns of lines: each record is taken for a line, with its document "
            "beside it (rows: lines).",
            feed.stream,
        )
    unknown = [name for name in columns if not is_known(feed, name) and name not in keys]
    if unknown and DIVISION not in map(plain, columns):
        setting = {feed.stream: {"entity": feed.entity.stream, "columns": {unknown[0]: None}}}
        logger.warning(
            "Stream %r: %s %s of %s. A record with a value there is rejected. Say in the "
            "setting streams which field it is, or null to ignore it: %s",
            feed.stream,
            ", ".join(unknown),
            "is no field" if len(unknown) == 1 else "are no fields",
            feed.entity.endpoint.name,
            json.dumps(setting),
        )
    return feed


def own_keys(
    feed: Feed, keys: Sequence[str], types: Mapping[str, Mapping[str, Any]]
) -> dict[str, str]:
    """The columns of the source's own key that are no field, by the names they are kept under.

    Args:
        feed: of the stream.
        keys: the columns of its key.
        types: what the schema says of columns; a key that is a number is none of Exact Online.
    """
    return {
        name: OWN_KEY + name
        for name in keys
        if not is_known(feed, name) or (_is_key(feed, name) and _is_number(types.get(name)))
    }


def _is_key(feed: Feed, column: str) -> bool:
    """Whether a column has the name of a key (GUID) at Exact Online."""
    shapes = [shape_of(feed.entity.endpoint.id), *filter(None, [_lines(feed)])]
    return any(
        item.key and item.type == "Edm.Guid"
        for shape in shapes
        if (item := shape.known.get(plain(column)))
    )


def _is_number(schema: Mapping[str, Any] | None) -> bool:
    types = (schema or {}).get("type") or ()
    names = {types} if isinstance(types, str) else set(types)
    return bool(names) and names <= {"integer", "number", "null"}


def is_known(feed: Feed, column: str) -> bool:
    """Whether a column is a field of the documents of a stream, or of their lines."""
    name = plain(column)
    if is_metadata(column) or name in {plain(each) for each in OWN_FIELDS}:
        return True
    if _has(shape_of(feed.entity.endpoint.id), name):
        return True
    lines = None if feed.part == DOCUMENT else _lines(feed)
    own = column[len(LINE_PREFIX) :] if column.casefold().startswith(LINE_PREFIX) else column
    return lines is not None and (_has(lines, name) or _has(lines, plain(own)))


def _has(shape: Shape, name: str) -> bool:
    return name in shape.known or name in shape.beside


def _lines(feed: Feed) -> Shape | None:
    children = shape_of(feed.entity.endpoint.id).children
    return children.get(feed.collection.name) if feed.collection else None


def _are_rows(feed: Feed, columns: Sequence[str], keys: Sequence[str]) -> bool:
    """Whether a table of documents has a column that only lines have, and must have."""
    lines = _lines(feed)
    if feed.part != DOCUMENT or feed.is_chosen or lines is None or feed.collection is None:
        return False
    names = {plain(column) for column in columns}
    header = shape_of(feed.entity.endpoint.id)
    needed = {plain(name) for name in lines.required if name != lines.parent}
    needed |= {f"{name}code" for name in needed}
    is_of_lines = any(name in names and not _has(header, name) for name in needed)
    names_document = bool(keys) and all(_has(header, plain(key)) for key in keys)
    return is_of_lines and plain(feed.collection.name) not in names and not names_document
