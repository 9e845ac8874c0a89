"""The settings of the tap."""

from __future__ import annotations

from typing import Any

from exactonline_client.settings import REQUIRED, SHARED

OWN: dict[str, dict[str, Any]] = {
    "divisions": {
        "type": ["array", "null"],
        "items": {"type": "integer"},
        "title": "Divisions",
        "description": (
            "Numbers of the companies (divisions) to read. Default: the current division of the "
            "signed-in user. Example: [123456, 234567]"
        ),
    },
    "all_divisions": {
        "type": "boolean",
        "default": False,
        "title": "All Divisions",
        "description": (
            "Read every division that the user may open, new ones as they appear. "
            "The setting divisions is then ignored."
        ),
    },
    "start_date": {
        "type": ["string", "null"],
        "format": "date-time",
        "title": "Start Date",
        "description": (
            "On the first run, read only rows changed since this moment. Without a zone it is "
            "UTC. Default: everything. Example: 2025-01-01T00:00:00Z"
        ),
    },
    "use_sync_api": {
        "type": "boolean",
        "default": True,
        "title": "Use Sync API",
        "description": (
            "Read from Exact's sync endpoints where there are any: 1,000 rows a call, and no "
            "change is missed. They lack a few columns; switch this off to read those."
        ),
    },
    "deletes": {
        "type": "string",
        "enum": ["tombstone", "stream", "off"],
        "default": "tombstone",
        "title": "Deletes",
        "description": (
            "What to do with rows deleted at Exact: tombstone (a record with the key and "
            "_sdc_deleted_at in the row's own stream), stream (only the stream deleted tells) or "
            "off (no row of the deleted log is read)."
        ),
    },
}

CONFIG: dict[str, Any] = {
    "type": "object",
    "properties": {**SHARED, **OWN},
    "required": list(REQUIRED),
}
