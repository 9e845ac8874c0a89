"""The settings of the target, as the JSON schema that the Singer SDK and the Hub read."""

from __future__ import annotations

from typing import Any

from exactonline_client.settings import SHARED

OWN: dict[str, dict[str, Any]] = {
    "division": {
        "type": ["integer", "null"],
        "title": "Division",
        "description": (
            "Number of the division (company) to write to. Default: the one that is the signed-in "
            "user's current division."
        ),
    },
    "reference_field": {
        "type": "string",
        "default": "YourRef",
        "title": "Reference Field",
        "description": (
            "Field of your records that holds your own, unique reference of a document. By it, a "
            "document is looked for at Exact Online before it is created."
        ),
    },
    "on_error": {
        "type": "string",
        "enum": ["skip", "fail"],
        "default": "skip",
        "title": "On Error",
        "description": (
            "When a record is rejected: skip (go on with the others, exit code 5 at the end) or "
            "fail (stop there, exit code 5)."
        ),
    },
    "max_errors": {
        "type": ["integer", "null"],
        "minimum": 1,
        "title": "Max Errors",
        "description": "Stop at this many rejected records. Default: no limit.",
    },
    "results_path": {
        "type": ["string", "null"],
        "title": "Results Path",
        "description": (
            "File to which one JSON line is appended for each record: when, stream, division, "
            "reference, outcome, Exact's ID and the reason of a rejection. Default: no file; the "
            "store keeps the outcomes in any case."
        ),
    },
    "batch_size_rows": {
        "type": "integer",
        "minimum": 1,
        "default": 200,
        "title": "Batch Size Rows",
        "description": (
            "Records that are collected, at most, before they are looked for at Exact Online and "
            "written; a state of the tap ends a batch early."
        ),
    },
    "load_method": {
        "type": "string",
        "enum": ["append-only"],
        "default": "append-only",
        "title": "Load Method",
        "description": (
            "append-only: create what is not there yet, and leave what is there as it is."
        ),
    },
}

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {**SHARED, **OWN},
}
