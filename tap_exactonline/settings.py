"""Settings of the tap."""

from __future__ import annotations

from typing import Any

from exactonline_client.plugin.settings import SHARED

FRESH_DAYS = 7.0
"""Days for which the recorded size of a list is good enough for an estimate."""
PARALLEL_DIVISIONS = 8
"""Default of `max_parallel_divisions`."""
OWN: dict[str, dict[str, Any]] = {
    "divisions": {
        "type": ["array", "null"],
        "items": {"type": "integer", "minimum": 1},
        "title": "Divisions",
        "examples": [[123456, 234567]],
        "description": (
            "Numbers of the companies (divisions) to read. Default: the current division of the "
            "signed-in user."
        ),
    },
    "all_divisions": {
        "type": "boolean",
        "default": False,
        "title": "All Divisions",
        "examples": [True],
        "description": (
            "Read every division that the user may open, new ones as they appear. "
            "The setting divisions is then ignored."
        ),
    },
    "divisions_share": {
        "type": ["string", "null"],
        "pattern": "^[0-9]+/[0-9]+$",
        "title": "Divisions Share",
        "examples": ["2/4"],
        "description": (
            "The share of this job if several jobs read the divisions together: 2/4 for the "
            "second of four. Default: all of them."
        ),
    },
    "max_parallel_divisions": {
        "type": "integer",
        "minimum": 1,
        "maximum": 64,
        "default": PARALLEL_DIVISIONS,
        "title": "Max Parallel Divisions",
        "examples": [16],
        "description": (
            "Number of divisions that are read side by side. Each has call limits of its own; "
            "pages that wait to be written are kept in memory."
        ),
    },
    "start_date": {
        "type": ["string", "null"],
        "format": "date-time",
        "title": "Start Date",
        "examples": ["2025-01-01T00:00:00Z"],
        "description": (
            "On the first run, read only rows changed since this time. Without a zone it is "
            "UTC. Lists that do not say when a row was changed, or cannot be filtered by it, are "
            "read whole. Default: everything."
        ),
    },
    "column_names": {
        "type": "string",
        "enum": ["exact", "snake"],
        "default": "exact",
        "title": "Column Names",
        "examples": ["snake"],
        "description": (
            "How columns are named: exact (InvoiceNumber, as Exact has it) or snake "
            "(invoice_number, which needs no quotes in PostgreSQL and Snowflake; words that SQL "
            "reserves get an underscore at their end). Changing it gives the tables new columns."
        ),
    },
    "use_sync_api": {
        "type": "boolean",
        "default": True,
        "title": "Use Sync API",
        "examples": [False],
        "description": (
            "Read from Exact's sync endpoints if there are any: 1,000 rows a call, and no "
            "change is missed. They lack a few columns; switch this off to read those."
        ),
    },
    "deletes": {
        "type": "string",
        "enum": ["tombstone", "stream", "off"],
        "default": "tombstone",
        "title": "Deletes",
        "examples": ["stream"],
        "description": (
            "What to do with rows deleted at Exact: tombstone (a record with the key and "
            "_sdc_deleted_at in the row's own stream), stream (only in the stream deleted) or "
            "off (no row of the deleted log is read)."
        ),
    },
    "compare_keys": {
        "type": ["array", "null"],
        "items": {"type": "string"},
        "title": "Compare Keys",
        "examples": [["purchase_entries", "purchase_entry_lines"], ["all"]],
        "description": (
            "Streams whose deletes Exact does not log, but that you want to know: each run lists "
            "all their keys, which takes more calls, and marks missing rows as deleted. all means "
            "every such stream. Default: none."
        ),
    },
    "attachments": {
        "type": "string",
        "enum": ["none", "content"],
        "default": "none",
        "title": "Attachments",
        "examples": ["content"],
        "description": (
            "What to read of document_attachments besides their names: none, or content (the files "
            "themselves, in base64; one API call for each that is new or changed)."
        ),
    },
    "attachments_max_mb": {
        "type": "number",
        "exclusiveMinimum": 0,
        "default": 10,
        "title": "Attachments Max MB",
        "examples": [2.5],
        "description": (
            "Largest file to read with attachments: content, in megabytes of 1,000,000 bytes. "
            "Larger ones are named in a warning and sent without their content."
        ),
    },
    "divisions_from": {
        "type": ["string", "null"],
        "title": "Divisions From",
        "examples": ["webhooks.jsonl"],
        "description": (
            "Path of a file with webhook payloads, one a line: only the streams and divisions "
            "they name are read. Default: everything that is selected."
        ),
    },
    "custom_streams": {
        "type": ["array", "null"],
        "items": {"type": "object"},
        "title": "Custom Streams",
        "examples": [
            [{"name": "big_accounts", "path": "crm/Accounts", "filter": "Status eq 'C'"}],
        ],
        "description": (
            "Streams of your own: any path, with its columns, filter and parameters. Default: none."
        ),
    },
    "check_rights": {
        "type": "boolean",
        "default": True,
        "title": "Check Rights",
        "examples": [False],
        "description": (
            "If a stream has had no rows yet, ask Exact whether the user may read it, and warn "
            "if not. Costs a call for each empty stream and division, once in 30 days."
        ),
    },
    "keep_unknown_fields": {
        "type": "boolean",
        "default": False,
        "title": "Keep Unknown Fields",
        "examples": [True],
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
