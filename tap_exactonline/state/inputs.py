"""The Singer state and catalog that a tap is given, checked before anything is asked."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING, Any

from singer_sdk.singerlib import Metadata, Schema
from singer_sdk.singerlib.catalog import CatalogEntry

from exactonline_client.errors import ConfigurationError
from tap_exactonline.definitions.definition import MODIFIED, TIMESTAMP
from tap_exactonline.state import bookmarks, validity

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

logger = logging.getLogger(__name__)

OF_META = {"currently_syncing"}
"""What a state may hold beside its bookmarks."""
ROWVERSIONS = (TIMESTAMP, validity.DELETES_READ, bookmarks.LAST_TIMESTAMP)
MOMENTS = (
    MODIFIED,
    "at",
    validity.DELETES_READ_AT,
    validity.COMPLETE_UNTIL,
    validity.SINCE,
)
DISCOVER = "Make a new one with tap-exactonline --discover."
START_ANEW = "Correct it, or run without --state to read everything."


def state(given: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """The state without the wrapper of a STATE message or of `meltano state get`.

    Raises:
        ConfigurationError: it is not of the shape that this tap writes.
    """
    found = _unwrapped(given)
    streams = found.get("bookmarks", {})
    if not isinstance(streams, dict) or ("bookmarks" not in found and found.keys() - OF_META):
        raise _wrong("it should hold an object with the name bookmarks")
    for stream, content in streams.items():
        partitions = content.get("partitions", []) if isinstance(content, dict) else None
        if not isinstance(partitions, list):
            raise _wrong(f"stream {stream} should be an object, and its partitions a list")
        _check_marks(f"stream {stream}", content)
        for partition in partitions:
            context = partition.get("context") if isinstance(partition, dict) else None
            division = context.get("division") if isinstance(context, dict) else None
            if type(division) is not int:
                raise _wrong(f"a partition of stream {stream} has no number for its division")
            _check_marks(f"stream {stream}, division {division}", partition)
    return found


def _unwrapped(given: Any) -> dict[str, Any]:  # noqa: ANN401
    if isinstance(given, dict) and "bookmarks" not in given:
        if given.get("type") == "STATE":
            return _unwrapped(given.get("value"))
        for wrapper in ("completed", "singer_state"):
            if wrapper in given:
                return _unwrapped(given[wrapper])
    if not isinstance(given, dict):
        raise _wrong("it should be an object")
    return given


def _check_marks(where: str, marks: dict[str, Any]) -> None:
    key = marks.get("replication_key")
    values = {**marks, key: marks.get("replication_key_value")} if key else marks
    for name in ROWVERSIONS:
        if values.get(name) is not None and (type(values[name]) is not int or values[name] < 0):
            raise _wrong(f"{where}: {name} is {values[name]!r}, and should be a whole number")
    for name in MOMENTS:
        if values.get(name) is not None and not _is_moment(values[name]):
            raise _wrong(f"{where}: {name} is {values[name]!r}, and should be a moment with a zone")


def _is_moment(value: object) -> bool:
    try:
        return datetime.fromisoformat(str(value).replace("Z", "+00:00")).tzinfo is not None
    except ValueError:
        return False


def _wrong(what: str) -> ConfigurationError:
    return ConfigurationError(f"The Singer state cannot be used: {what}. {START_ANEW}")


def catalog(given: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """A catalog of the right shape.

    Raises:
        ConfigurationError: it is not.
    """
    streams = given.get("streams") if isinstance(given, dict) else None
    if not isinstance(given, dict) or not isinstance(streams, list):
        raise ConfigurationError(
            f"The Singer catalog should be an object with a list of streams. {DISCOVER}"
        )
    for entry in streams:
        name = entry.get("tap_stream_id") if isinstance(entry, dict) else None
        try:
            parsed = CatalogEntry.from_dict(entry)
            parsed.metadata.resolve_selection()
            parsed.schema.to_dict()
            keys = parsed.key_properties or []
            fits = isinstance(name, str) and isinstance(keys, (list, tuple))
        except (AttributeError, KeyError, TypeError, ValueError):
            fits = False
        if not fits:
            raise ConfigurationError(
                f"The Singer catalog: stream {name or 'without tap_stream_id'} is not of the "
                f"Singer format. {DISCOVER}"
            )
    return given


def fit(entry: CatalogEntry | None, own: Mapping[str, Any], needed: Collection[str]) -> None:
    """Have a stream's entry in the catalog and its records hold the same columns.

    A catalog that is older, was made with other settings, or was shortened lacks columns of the
    stream. Those that a record is not complete without are added to its schema; the others are
    deselected, so that no record has a column that its schema does not tell of.
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
