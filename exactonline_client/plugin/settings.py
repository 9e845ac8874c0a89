"""JSON schema of the settings that tap and target share, for the Singer SDK and Meltano Hub.

Each has a title, a description with unit and default, and an example. In Meltano and on the Hub the
example is appended to the description.
"""

from __future__ import annotations

from typing import Any

from exactonline_client.regions import REGIONS

DISTRIBUTION = "singer-exactonline"
"""Name of the distribution; `tap-exactonline` is an unrelated project."""

SHARED: dict[str, dict[str, Any]] = {
    "connection": {
        "type": ["string", "null"],
        "title": "Connection",
        "examples": ["nl-5a0d8f0e"],
        "description": (
            "Name of a connection in the store, as exactonline connect makes it. What other "
            "settings say of the app must agree with it. Default: the only one that fits the "
            "settings, otherwise one named after region and client ID."
        ),
    },
    "region": {
        "type": "string",
        "enum": sorted(REGIONS),
        "title": "Region",
        "examples": ["nl"],
        "description": (
            "The Exact Online site you sign in to: "
            + ", ".join(f"{code} ({REGIONS[code].name})" for code in sorted(REGIONS))
            + ". An app registration belongs to one region. Default: that of the connection, "
            "otherwise nl."
        ),
    },
    "base_url": {
        "type": ["string", "null"],
        "pattern": "^https?://",
        "title": "Base URL",
        "examples": ["http://127.0.0.1:8020"],
        "description": (
            "Address to use instead of the region's own, for the sandbox and for tests. "
            "Default: that of the region."
        ),
    },
    "client_id": {
        "type": ["string", "null"],
        "title": "Client ID",
        "examples": ["5a0d8f0e-2b9c-4d59-8c11-6f0e7a1c3b52"],
        "description": (
            "Client ID of your app registration in the Exact App Centre. Default: that of the "
            "connection."
        ),
    },
    "client_secret": {
        "type": ["string", "null"],
        "secret": True,
        "writeOnly": True,
        "title": "Client Secret",
        "examples": ["AbCdEfGhIjKl"],
        "description": (
            "Client secret of your app registration in the Exact App Centre. Default: that of the "
            "connection."
        ),
    },
    "refresh_token": {
        "type": ["string", "null"],
        "secret": True,
        "writeOnly": True,
        "title": "Refresh Token",
        "examples": ["stampNL001.gAAA..."],
        "description": (
            "Refresh token to start with. Exact replaces it at every use; from the first use on "
            "the store has its successors and this setting is ignored, until you set a new one. "
            "Default: the sign-in in the store."
        ),
    },
    "store_url": {
        "type": ["string", "null"],
        "secret": True,
        "writeOnly": True,
        "title": "Store URL",
        "examples": ["postgresql+psycopg://me@db.example.com/exactonline"],
        "description": (
            "SQLAlchemy address of the store for tokens, call budget and results. Default: a "
            "SQLite file in .exactonline/ of the Meltano project, otherwise in your data folder. "
            "Use PostgreSQL if several machines share one app."
        ),
    },
    "store_key": {
        "type": ["string", "null"],
        "secret": True,
        "writeOnly": True,
        "title": "Store Key",
        "examples": ["kJ2...c0g=", "newKey...A=,oldKey...B="],
        "description": (
            "Fernet key that encrypts the tokens in the store; to rotate, several separated by "
            "commas, of which the first encrypts. Default: a key in the keyring of the system if "
            "there is one, otherwise in a file next to the store that only its owner can read."
        ),
    },
    "daily_call_reserve": {
        "type": "integer",
        "minimum": 0,
        "default": 0,
        "title": "Daily Call Reserve",
        "examples": [500],
        "description": (
            "API calls a day, in each division, that are left to others who use the same app."
        ),
    },
    "on_daily_limit": {
        "type": "string",
        "enum": ["stop", "fail", "wait"],
        "default": "stop",
        "title": "On Daily Limit",
        "examples": ["fail"],
        "description": (
            "When the calls of the day are used up: stop (keep what was done, exit code 0, the "
            "next run continues), fail (the same with exit code 4) or wait (until 00:00 UTC)."
        ),
    },
    "request_timeout": {
        "type": "number",
        "exclusiveMinimum": 0,
        "default": 300,
        "title": "Request Timeout",
        "examples": [60],
        "description": (
            "Seconds to wait for an answer to one API call to begin, and then again for all of it "
            "to come in."
        ),
    },
    "user_agent": {
        "type": ["string", "null"],
        "title": "User Agent",
        "examples": ["acme-warehouse/2.1"],
        "description": "How the calls present themselves. Default: singer-exactonline/VERSION.",
    },
}
