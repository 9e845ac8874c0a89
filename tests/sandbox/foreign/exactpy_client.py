"""Signs in, and reads accounts, a sync feed, the ledger and reports with the client `exactpy`.

Its models refuse a row whose columns are of another type than they expect. Started by the test
suite in an environment of its own; the first argument is a file with what it needs to know.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from exactpy.client import Client


def main() -> None:
    """Do it all, and say what came of it."""
    facts = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    tokens = {"cache_path": Path(facts["folder"]) / "tokens.json"}
    client = Client(
        facts["client_id"],
        facts["client_secret"],
        facts["redirect_uri"],
        base_url=f"{facts['base_url']}/api",
        read_cache_callable_kwargs=tokens,
        write_cache_callable_kwargs=tokens,
        verbose=False,
    )
    client.auth_client.acquire_token(consent(client.auth_client.get_authorization_url()))
    client.set_initial_division()
    told = {
        "divisions": [division.code for division in client.system.divisions.all()],
        "accounts": len({row["ID"] for row in every(client, "crm/Accounts", ["ID"])}),
        "lines": len(every(client, "sync/Financial/TransactionLines", ["ID", "Timestamp"])),
        "lists": {
            name: len(getattr(client.financial, name).all(skip_invalid=False))
            for name in facts["lists"]
        },
    }
    sys.stdout.write(json.dumps(told))


def every(client: Client, resource: str, columns: list[str]) -> list[dict[str, Any]]:
    """All rows of a list, page by page."""
    rows, token = [], None
    while True:
        body = client.get(resource, select=columns, skip_token=token).json()["d"]
        rows += body["results"]
        if "__next" not in body:
            return rows
        token = client._get_skip_token(body["__next"])


def consent(address: str) -> str:
    """What a person does in the browser: allow it, and see where that leads."""
    asked = dict(parse_qsl(urlsplit(address).query))
    form = {**asked, "decision": "allow"}
    answer = httpx.post(address.split("?", maxsplit=1)[0], data=form, timeout=20)
    return answer.headers["Location"]


if __name__ == "__main__":
    main()
