"""JSON schema of the target's settings, for the Singer SDK and Meltano Hub."""

from __future__ import annotations

from typing import Any

from exactonline_client.plugin.settings import SHARED

OWN: dict[str, dict[str, Any]] = {
    "division": {
        "type": ["integer", "null"],
        "minimum": 1,
        "title": "Division",
        "examples": [123456],
        "description": (
            "Number of the division (company) to write to. Default: the one that is the signed-in "
            "user's current division."
        ),
    },
    "reference_field": {
        "type": "string",
        "default": "YourRef",
        "title": "Reference Field",
        "examples": ["Description"],
        "description": (
            "Field of your records that holds your own, unique reference of a document. By it, a "
            "document is looked for at Exact Online before it is created."
        ),
    },
    "streams": {
        "type": ["object", "null"],
        "additionalProperties": {
            "anyOf": [
                {"type": "string"},
                {
                    "type": "object",
                    "properties": {
                        "entity": {"type": "string"},
                        "reference_field": {"type": "string"},
                        "rows": {"type": "string", "enum": ["documents", "lines"]},
                        "columns": {
                            "type": "object",
                            "additionalProperties": {
                                "anyOf": [
                                    {"type": ["string", "null"]},
                                    {
                                        "type": "object",
                                        "properties": {"constant": {}},
                                        "required": ["constant"],
                                        "additionalProperties": False,
                                    },
                                ]
                            },
                        },
                    },
                    "additionalProperties": False,
                },
            ]
        },
        "title": "Streams",
        "examples": [{"orders": {"entity": "sales_orders", "rows": "lines"}}],
        "description": (
            "What the records of a stream are, if its name does not say it: the name of an "
            "entity (sales_invoices; or, in the unified shape, invoices), or an object with "
            "entity, reference_field (in place of the setting of that "
            "name), rows (documents, or lines for flat rows, each a line with the "
            "header fields of its document) and columns (by column, the field that it is, null "
            "to ignore it; by field, an object with a constant for all records). Default: each "
            "stream is what its name says, and each column the field of its name."
        ),
    },
    "decimal": {
        "type": "string",
        "enum": ["point", "comma"],
        "default": "point",
        "title": "Decimal",
        "examples": ["comma"],
        "description": (
            "The decimal mark of numbers that come as text: point (12.50) or comma (12,50; points "
            "and blanks part thousands). Records that were read from Exact Online have points."
        ),
    },
    "dates": {
        "type": "string",
        "enum": ["iso", "day-first", "month-first"],
        "default": "iso",
        "title": "Dates",
        "examples": ["day-first"],
        "description": (
            "The form of dates that come as text: iso (2026-11-28), day-first (28-11-2026) or "
            "month-first (11/28/2026). A date that begins with its year is understood in any case."
        ),
    },
    "on_error": {
        "type": "string",
        "enum": ["skip", "fail"],
        "default": "skip",
        "title": "On Error",
        "examples": ["fail"],
        "description": (
            "When a record is rejected: skip (continue with the others, exit code 5 at the end) or "
            "fail (stop there, exit code 5)."
        ),
    },
    "max_errors": {
        "type": ["integer", "null"],
        "minimum": 1,
        "title": "Max Errors",
        "examples": [100],
        "description": "Stop at this many rejected records. Default: no limit.",
    },
    "results_path": {
        "type": ["string", "null"],
        "title": "Results Path",
        "examples": ["results.jsonl"],
        "description": (
            "File to which one JSON line is appended for each record: when, stream, division, "
            "reference, outcome, Exact's ID and the reason of a rejection. Default: no file; the "
            "store keeps the outcomes in any case."
        ),
    },
    "match_sets_path": {
        "type": ["string", "null"],
        "title": "Match Sets Path",
        "examples": ["match-sets.xml"],
        "description": (
            "File to which match sets are added that Exact Online does not take by itself, for "
            "you to upload by hand. Default: exactonline-match-sets-DIVISION.xml in the folder in "
            "which the target runs."
        ),
    },
    "attachments_folder": {
        "type": ["string", "null"],
        "title": "Attachments Folder",
        "examples": ["scans"],
        "description": (
            "Folder of the files that records name by their path (attachments, attachment_path). "
            "Files below it can be uploaded by whoever fills the source table; no others are read, "
            "nor links, hidden files and the folder of the store. Default: none, and a record that "
            "names a path is rejected."
        ),
    },
    "batch_size_rows": {
        "type": "integer",
        "minimum": 1,
        "default": 200,
        "title": "Batch Size Rows",
        "examples": [500],
        "description": (
            "Records that are collected, at most, before they are looked for at Exact Online and "
            "written; a state of the tap ends a batch early."
        ),
    },
    "nulls": {
        "type": "string",
        "enum": ["leave", "clear"],
        "default": "leave",
        "title": "Nulls",
        "examples": ["clear"],
        "description": (
            "What a null in a record means, and an empty text if it is as good as null: leave "
            "(the field is not given) or clear (upsert empties the field at Exact Online)."
        ),
    },
    "create_missing": {
        "type": "array",
        "items": {"type": "string", "enum": ["accounts", "items"]},
        "default": [],
        "title": "Create Missing",
        "examples": [["accounts"]],
        "description": (
            "What may be created if a document refers to it and it does not exist: accounts, "
            "items. Otherwise such a record is rejected."
        ),
    },
    "lookup_hours": {
        "type": "integer",
        "minimum": 0,
        "default": 24,
        "title": "Lookup Hours",
        "examples": [24],
        "description": (
            "Hours that keys looked up for codes (of accounts, items, ledger accounts ...) are "
            "used before they are looked up again."
        ),
    },
    "load_method": {
        "type": "string",
        "enum": ["append-only", "upsert"],
        "default": "append-only",
        "title": "Load Method",
        "examples": ["upsert"],
        "description": (
            "append-only: create what does not exist yet, and leave what exists as it is. "
            "upsert: also change what exists and differs from the record, as far as the API "
            "allows it."
        ),
    },
    "hard_delete": {
        "type": "boolean",
        "default": False,
        "title": "Hard Delete",
        "examples": [True],
        "description": (
            "Delete documents at Exact Online whose record was deleted at its source: its "
            "_sdc_deleted_at is a time. Otherwise such records are skipped."
        ),
    },
    "dry_run": {
        "type": "boolean",
        "default": False,
        "title": "Dry Run",
        "examples": [True],
        "description": (
            "Find out what would be created, changed, deleted and rejected, and write nothing, "
            "neither to Exact Online nor to the journal."
        ),
    },
    "finalize": {
        "type": "string",
        "enum": ["none", "print", "email", "peppol"],
        "default": "none",
        "title": "Finalize",
        "examples": ["email"],
        "description": (
            "What to do with a sales invoice once it is created: none (leave it open), print "
            "(process it, which gives it its number), or also send it to the customer by email "
            "or peppol. It cannot be taken back."
        ),
    },
    "finalize_sender": {
        "type": ["string", "null"],
        "title": "Finalize Sender",
        "examples": ["invoices@example.com"],
        "description": (
            "Address that e-mail with invoices comes from. Default: the one set in Exact Online."
        ),
    },
    "results_days": {
        "type": "integer",
        "minimum": 1,
        "default": 400,
        "title": "Results Days",
        "examples": [400],
        "description": (
            "Days that the store remembers what became of a record. A record that comes again "
            "after that is looked for at Exact Online once more."
        ),
    },
    "new_store": {
        "type": "boolean",
        "default": False,
        "title": "New Store",
        "examples": [True],
        "description": (
            "For the first load into a division: nothing was loaded before, so documents that "
            "cannot be searched by a reference (journal, bank and cash entries ...) need not be "
            "looked for by their content. Remove it afterwards."
        ),
    },
    "settle_after": {
        "type": "integer",
        "minimum": 0,
        "default": 60,
        "title": "Settle After",
        "examples": [60],
        "description": (
            "Seconds to wait before a document that was sent without an answer, and cannot be "
            "found at Exact Online, is sent once more."
        ),
    },
}

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {**SHARED, **OWN},
}
