"""Signs in, reads a list and a sync feed, and books an entry with `python-exact-online`.

It is pointed at the sandbox by its own configuration alone. Started by the test suite in an
environment of its own; the first argument is a file with what it needs to know.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from exactonline import config
from exactonline.api import ExactOnlineAPI
from exactonline.models.salesentries import SalesEntry, SalesEntryLine


def main() -> None:
    """Do it all, and say what came of it."""
    facts = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    base = f"{facts['base_url']}/api"
    config.BASE_URL = f"{base}/v1"
    config.AUTH_URL, config.ACCESS_TOKEN_URL = f"{base}/oauth2/auth", f"{base}/oauth2/token"
    api = ExactOnlineAPI(facts["client_id"], facts["client_secret"])
    api.cacheHandler.cacheDir = facts["folder"]
    api.authHandler.retrieveToken(consent(api.authHandler.getAuthURL(facts["redirect_uri"])))
    accounts = every(api, "crm/Accounts?$select=ID,Name")
    customer = api.accounts.list(filter={"Name": facts["customer"]}).items()[0]
    journal = api.journals.list(filter={"Code": "70"}).items()[0]
    revenue = api.glAccounts.list(filter={"Code": "8000"}).items()[0]
    entry = SalesEntry()
    entry.Customer, entry.Journal, entry.YourRef = customer.ID, journal.Code, "PEO-1"
    line = SalesEntryLine()
    line.AmountFC, line.GLAccount, line.VATCode = 100, revenue.ID, "2"
    entry.SalesEntryLines.add(line)
    made = api.salesEntries.create(entry)
    told = {
        "divisions": [api.division],
        "accounts": len({row["ID"] for row in accounts}),
        "entry": made.EntryID,
        "lines": len(every(api, "sync/Financial/TransactionLines?$select=ID,Timestamp")),
    }
    sys.stdout.write(json.dumps(told))


def every(api: ExactOnlineAPI, address: str) -> list[dict[str, Any]]:
    """All rows of a list; the client's own loop follows addresses of the Belgian service alone."""
    rows: list[dict[str, Any]] = []
    home = f"{config.BASE_URL}/"
    while True:
        _status, _headers, body = api.get(address)
        rows += body["d"]["results"]
        if "__next" not in body["d"]:
            return rows
        address = body["d"]["__next"].removeprefix(home).removeprefix(f"{api.division}/")


def consent(address: str) -> str:
    """What a person does in the browser: allow it, and see where that leads."""
    asked = dict(parse_qsl(urlsplit(address).query))
    answer = requests.post(
        address.split("?", maxsplit=1)[0],
        {**asked, "decision": "allow"},
        allow_redirects=False,
        timeout=20,
    )
    return answer.headers["Location"]


if __name__ == "__main__":
    main()
