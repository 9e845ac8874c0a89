"""Signs in, reads all accounts and books a sales invoice with the client `exactonline`.

It is pointed at the sandbox by its own settings file alone. Started by the test suite in an
environment of its own; the first argument is a file with what it needs to know.
"""

from __future__ import annotations

import json
import sys
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from exactonline.api import ExactApi
from exactonline.resource import GET, POST
from exactonline.storage.ini import IniStorage


def main() -> None:
    """Do it all, and say what came of it."""
    facts = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    storage = IniStorage(_settings(facts))
    api = ExactApi(storage=storage)
    api.request_token(urllib.parse.unquote(consent(api.create_auth_request_url())))
    divisions, current = api.get_divisions()
    api.set_division(current)
    accounts = api.relations.all()
    customer = next(row for row in accounts if row["Name"] == facts["customer"])
    found = api.relations.filter(relation_code=customer["Code"].strip())
    revenue = api.ledgeraccounts.filter(code__in=["8000"])[0]
    entry = api.invoices.create(
        {
            "Customer": found[0]["ID"],
            "Journal": "70",
            "EntryDate": "2026-03-04T00:00:00Z",
            "YourRef": "EXT-1",
            "SalesEntryLines": [
                {
                    "AmountFC": "100.00",
                    "GLAccount": revenue["ID"],
                    "VATCode": "2  ",
                    "Description": "Geleverd",
                }
            ],
        }
    )
    booked = api.invoices.get(invoice_number="EXT-1")
    item = api.restv1(GET("logistics/Items?$select=ID&$top=1"))[0]
    line = {"Item": item["ID"], "Quantity": 2, "NetPrice": 10}
    body = {"OrderedBy": customer["ID"], "SalesInvoiceLines": [line]}
    invoice = api.restv1(POST("salesinvoice/SalesInvoices", body))
    told = {
        "divisions": list(divisions),
        "accounts": len({row["ID"] for row in accounts}),
        "entry": entry["EntryID"],
        "entry_lines": len(booked["SalesEntryLines"]),
        "invoice": invoice["InvoiceID"],
    }
    sys.stdout.write(json.dumps(told))


def _settings(facts: dict[str, Any]) -> str:
    path = Path(facts["folder"]) / "exactonline.ini"
    base = facts["base_url"]
    path.write_text(
        f"""[server]
auth_url = {base}/api/oauth2/auth
rest_url = {base}/api
token_url = {base}/api/oauth2/token
[application]
base_url = {facts["redirect_uri"]}
client_id = {facts["client_id"]}
client_secret = {facts["client_secret"]}
iteration_limit = 50
""",
        encoding="utf-8",
    )
    return str(path)


def consent(address: str) -> str:
    """What a person does in the browser: allow it, and take the code from where that leads."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_args: object) -> None:
            return None

    asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))
    form = urllib.parse.urlencode({**asked, "decision": "allow"}).encode()
    try:
        urllib.request.build_opener(Stay).open(address.split("?", maxsplit=1)[0], form, timeout=20)
    except urllib.error.HTTPError as answer:
        query = urllib.parse.urlsplit(answer.headers["Location"]).query
        return query.split("code=")[1].split("&")[0]
    raise SystemExit("The sandbox did not lead back to the client.")


if __name__ == "__main__":
    main()
