"""Signs in, reads all accounts and makes a sales invoice with the client `exact-online-sdk`.

It is pointed at the sandbox by its own environment variables alone. Started by the test suite in
an environment of its own; the first argument is a file with what it needs to know.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
from exact_online_sdk import ExactOnlineClient, Settings
from exact_online_sdk.auth import ExactOnlineAuth


def main() -> None:
    """Do it all, and say what came of it."""
    facts = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    settings = Settings.from_env()
    auth = ExactOnlineAuth(settings)
    auth.exchange_code_for_token(consent(auth.get_authorization_url(state="s")))
    with ExactOnlineClient(settings, auth=auth) as client:
        me = client.get("!current/Me")[0]
        pages = list(client.iter_pages("crm/Accounts", params={"$select": "ID,Name"}))
        accounts = [row for page in pages for row in page]
        customer = next(row for row in accounts if row["Name"] == facts["customer"])
        item = client.get("logistics/Items")[0]
        line = {"Item": item["ID"], "Quantity": 2, "NetPrice": 10}
        body = {"OrderedBy": customer["ID"], "SalesInvoiceLines": [line], "YourRef": "SDK-1"}
        invoice = client.post("salesinvoice/SalesInvoices", json=body)
    told = {
        "divisions": [me["CurrentDivision"]],
        "pages": len(pages),
        "accounts": len({row["ID"] for row in accounts}),
        "invoice": invoice["InvoiceID"],
    }
    sys.stdout.write(json.dumps(told))


def consent(address: str) -> str:
    """What a person does in the browser: allow it, and take the code from where that leads."""
    asked = dict(parse_qsl(urlsplit(address).query))
    form = {**asked, "decision": "allow"}
    answer = httpx.post(address.split("?", maxsplit=1)[0], data=form, timeout=20)
    return parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]


if __name__ == "__main__":
    main()
