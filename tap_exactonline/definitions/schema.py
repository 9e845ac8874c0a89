"""JSON schemas of the streams, from the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exactonline_client.deletion import DELETED_AT
from tap_exactonline.definitions import dictionary

if TYPE_CHECKING:
    from exactonline_client.catalogue import Property
    from tap_exactonline.definitions.definition import StreamDefinition

TYPES: dict[str, dict[str, str]] = {
    "Edm.Guid": {"type": "string", "format": "uuid"},
    "Edm.String": {"type": "string"},
    "Edm.Boolean": {"type": "boolean"},
    "Edm.Binary": {"type": "string", "contentEncoding": "base64"},
    "Edm.Double": {"type": "number"},
    "Edm.Decimal": {"type": "number"},
    "Edm.Int64": {"type": "integer"},
    "Edm.Int32": {"type": "integer"},
    "Edm.Int16": {"type": "integer"},
    "Edm.Byte": {"type": "integer"},
}
INSTANT = {"type": "string", "format": "date-time"}
DATE = {"type": "string", "format": "date"}
UNKNOWN_FIELDS = "_unknown_fields"


def schema(
    definition: StreamDefinition, *, tombstones: bool, unknown: bool = False
) -> dict[str, Any]:
    """JSON schema of a stream.

    `tombstones` adds the column `_sdc_deleted_at`; `unknown` adds one object column for all fields
    that the catalogue does not know, so the schema need not change in the middle of a stream.
    """
    keys = definition.primary_keys
    properties = {
        name: {
            **_property(item, nullable=name not in keys),
            **_described(definition.name, item),
        }
        for name, item in definition.columns.items()
    }
    if tombstones:
        properties[DELETED_AT] = {
            "type": ["string", "null"],
            "format": "date-time",
            "description": "When the row was deleted at Exact Online; all else is then empty.",
        }
    if unknown:
        properties[UNKNOWN_FIELDS] = {
            "type": ["object", "null"],
            "description": "Fields that are not known here, with their values as Exact sends them.",
        }
    return {"type": "object", "properties": properties}


def _described(stream: str, item: Property) -> dict[str, str]:
    description = dictionary.describe(stream, item.name, item.type)
    return {"description": description} if description else {}


def _property(item: Property, *, nullable: bool) -> dict[str, Any]:
    if item.type == "Edm.DateTime":
        facts = DATE if item.date == "date" else INSTANT
    else:
        facts = TYPES[item.type]
    return {**facts, "type": [facts["type"], "null"] if nullable else facts["type"]}
