"""The settings of the tap."""

from __future__ import annotations

from typing import Any

from exactonline_client.settings import SHARED

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
    "divisions_from": {
        "type": ["string", "null"],
        "title": "Divisions From",
        "description": (
            "Path of a file with webhook payloads, one a line: only the streams and divisions "
            "they name are read. Default: everything that is selected."
        ),
    },
    "custom_streams": {
        "type": ["array", "null"],
        "items": {"type": "object"},
        "title": "Custom Streams",
        "description": (
            "Streams of your own: any path, with its columns, filter and parameters. "
            'Example: [{"name": "big_accounts", "path": "crm/Accounts", "filter": '
            "\"Status eq 'C'\"}]"
        ),
    },
    "check_rights": {
        "type": "boolean",
        "default": False,
        "title": "Check Rights",
        "description": (
            "Where a first read of a stream finds no rows, ask Exact whether the user may read "
            "it, and warn if not. Costs a call for each empty stream and division."
        ),
    },
    "keep_unknown_fields": {
        "type": "boolean",
        "default": False,
        "title": "Keep Unknown Fields",
        "description": (
            "Also read the columns that Exact has added since this version, into the column "
            "_unknown_fields. All columns are then asked for, selected or not."
        ),
    },
}

CONFIG: dict[str, Any] = {
    "type": "object",
    "properties": {**SHARED, **OWN},
}
