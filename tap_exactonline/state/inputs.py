"""Validate the Singer state and catalog that the tap is started with."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING, Any

from singer_sdk.singerlib import Catalog, Metadata, MetadataMapping, Schema
from singer_sdk.singerlib.catalog import CatalogEntry

from exactonline_client import catalogue
from exactonline_client.errors import ConfigurationError
from tap_exactonline.definitions import names
from tap_exactonline.definitions.definition import MODIFIED, TIMESTAMP
from tap_exactonline.state import bookmarks, validity

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

logger = logging.getLogger(__name__)

META_KEYS = {"currently_syncing"}
"""Keys of a state besides `bookmarks`."""
ROWVERSIONS = (TIMESTAMP, validity.DELETES_READ, bookmarks.LAST_TIMESTAMP)
TIMES = (
    MODIFIED,
    "at",
    validity.DELETES_READ_AT,
    validity.COMPLETE_UNTIL,
    validity.SINCE,
)
REDISCOVER = "Make a new one with tap-exactonline --discover."
ADVICE = "Correct it, or run without --state to read everything."


def state(given: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Unwrap a state from a STATE message or from `meltano state get`, and validate it.

    Raises:
        ConfigurationError: it does not have the structure that this tap emits.
    """
    unwrapped = _unwrapped(given)
    streams = unwrapped.get("bookmarks", {})
    if not isinstance(streams, dict) or (
        "bookmarks" not in unwrapped and unwrapped.keys() - META_KEYS
    ):
        raise _error("it should hold an object with the name bookmarks")
    for stream, content in streams.items():
        partitions = content.get("partitions", []) if isinstance(content, dict) else None
        if not isinstance(partitions, list):
            raise _error(f"stream {stream} should be an object, and its partitions a list")
        _check_bookmark(f"stream {stream}", content)
        for partition in partitions:
            context = partition.get("context") if isinstance(partition, dict) else None
            division = context.get("division") if isinstance(context, dict) else None
            if type(division) is not int:
                raise _error(f"a partition of stream {stream} has no number for its division")
            _check_bookmark(f"stream {stream}, division {division}", partition)
    return unwrapped


def _unwrapped(given: Any) -> dict[str, Any]:  # noqa: ANN401
    if isinstance(given, dict) and "bookmarks" not in given:
        if given.get("type") == "STATE":
            return _unwrapped(given.get("value"))
        for wrapper in ("completed", "singer_state"):
            if wrapper in given:
                return _unwrapped(given[wrapper])
    if not isinstance(given, dict):
        raise _error("it should be an object")
    return given


def _check_bookmark(where: str, bookmark: dict[str, Any]) -> None:
    key = bookmark.get("replication_key")
    values = {**bookmark, key: bookmark.get("replication_key_value")} if key else bookmark
    for name in ROWVERSIONS:
        if values.get(name) is not None and (type(values[name]) is not int or values[name] < 0):
            raise _error(f"{where}: {name} is {values[name]!r}, and should be a whole number")
    for name in TIMES:
        if values.get(name) is not None and not _is_time(values[name]):
            raise _error(f"{where}: {name} is {values[name]!r}, and should be a time with a zone")


def _is_time(value: object) -> bool:
    try:
        return datetime.fromisoformat(str(value).replace("Z", "+00:00")).tzinfo is not None
    except ValueError:
        return False


def _error(what: str) -> ConfigurationError:
    return ConfigurationError(f"The Singer state cannot be used: {what}. {ADVICE}")


def catalog(given: Any) -> Catalog:  # noqa: ANN401 - any JSON
    """Parse the selected streams of a catalog, and the streams whose lists hold their rows.

    The others are left out: to handle their schemas takes longer than to read a small stream.

    Raises:
        ConfigurationError: the catalog is not of the Singer format.
    """
    streams = given.get("streams") if isinstance(given, dict) else None
    if not isinstance(streams, list):
        raise ConfigurationError(
            f"The Singer catalog should be an object with a list of streams. {REDISCOVER}"
        )
    selected = {entry["tap_stream_id"] for entry in streams if _is_selected(entry)}
    known = catalogue.load().streams
    parents = {link.stream for name in selected & known.keys() if (link := known[name].parent)}
    wanted, entries = selected | parents, Catalog()
    for entry in streams:
        if entry["tap_stream_id"] in wanted:
            entries.add_stream(_entry(entry))
    return entries


def _is_selected(entry: Any) -> bool:  # noqa: ANN401 - any JSON
    try:
        of_stream = [item for item in entry.get("metadata", []) if not item["breadcrumb"]]
        selected = MetadataMapping.from_iterable(of_stream).resolve_selection().get((), True)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise _not_singer(entry) from None
    if not isinstance(entry.get("tap_stream_id"), str):
        raise _not_singer(entry)
    return selected


def _entry(entry: dict[str, Any]) -> CatalogEntry:
    try:
        parsed = CatalogEntry.from_dict(entry)
        parsed.metadata.resolve_selection()
        parsed.schema.to_dict()
    except (AttributeError, KeyError, TypeError, ValueError):
        raise _not_singer(entry) from None
    if not isinstance(parsed.key_properties or [], (list, tuple)):
        raise _not_singer(entry)
    return parsed


def _not_singer(entry: object) -> ConfigurationError:
    name = entry.get("tap_stream_id") if isinstance(entry, dict) else None
    return ConfigurationError(
        f"The Singer catalog: stream {name or 'without tap_stream_id'} is not of the "
        f"Singer format. {REDISCOVER}"
    )


def rename_columns(entry: CatalogEntry | None, names_by_exact: Mapping[str, str]) -> None:
    """Rename the columns of a catalog that was made with another setting `column_names`."""
    known = entry.schema.properties if entry is not None else None
    if entry is None or known is None:
        return
    renamed = {
        other: name
        for exact, name in names_by_exact.items()
        for other in (exact, names.snake(exact))
        if other in known and name not in known
    }
    if not renamed:
        return
    entry.schema.properties = {renamed.get(name, name): facts for name, facts in known.items()}
    for other, name in renamed.items():
        if ("properties", other) in entry.metadata:
            entry.metadata["properties", name] = entry.metadata.pop(("properties", other))
    entry.key_properties = [renamed.get(name, name) for name in entry.key_properties or ()]
    bookmark = entry.replication_key
    entry.replication_key = renamed.get(bookmark, bookmark) if bookmark else None


def align_columns(
    entry: CatalogEntry | None, own: Mapping[str, Any], needed: Collection[str]
) -> None:
    """Align the columns of a stream's catalog entry with those of its records.

    A catalog that is older, was made with other settings, or was edited may lack columns of the
    stream. The `needed` ones are added to its schema; the others are deselected, so that records
    match the schema.
    """
    known = entry.schema.properties if entry is not None else None
    if entry is None or known is None:
        return
    lacking = {name: facts for name, facts in own["properties"].items() if name not in known}
    known.update(
        {name: Schema.from_dict(facts) for name, facts in lacking.items() if name in needed}
    )
    left_out = [name for name in lacking if name not in needed]
    entry.metadata.update({("properties", name): Metadata(selected=False) for name in left_out})
    if left_out and entry.metadata.resolve_selection().get((), True):
        logger.info(
            "%s: the catalog does not have %d of its columns, such as %s. They are left out; "
            "discover again to have them.",
            entry.tap_stream_id,
            len(left_out),
            left_out[0],
        )
