"""Reads the sandbox with the OData client `pyodata`, by the `$metadata` of the sandbox.

Started by the test suite in an environment of its own; the first argument is a file with what it
needs to know.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pyodata
import requests
from pyodata.v2.model import Config


def main() -> None:
    """Do it all, and say what came of it."""
    facts = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {facts['access_token']}"
    base = f"{facts['base_url']}/api/v1/{facts['division']}"
    crm = pyodata.Client(f"{base}/crm", session, config=Config())
    accounts, page = [], crm.entity_sets.Accounts.get_entities().select("ID,Name").execute()
    while True:
        accounts += [account.ID for account in page]
        if page.next_url is None:
            break
        page = crm.entity_sets.Accounts.get_entities().next_url(page.next_url).execute()
    account = crm.entity_sets.Accounts.get_entity(accounts[0]).execute()
    invoices = pyodata.Client(f"{base}/salesinvoice", session, config=Config())
    invoice = invoices.entity_sets.SalesInvoices.get_entities().top(1).execute()[0]
    whole = _whole_model(session, base)
    told = {
        "accounts": len(set(accounts)),
        "name": account.Name,
        "created": account.Created.isoformat(),
        "invoice": invoice.InvoiceID,
        "lines": len(invoice.nav("SalesInvoiceLines").get_entities().execute()),
        "types": len(whole.entity_types),
    }
    sys.stdout.write(json.dumps(told))


def _whole_model(session: requests.Session, base: str) -> Any:
    """The schema of all services."""
    answer = session.get(f"{base}/$metadata", timeout=20)
    return pyodata.v2.model.MetadataBuilder(answer.content, config=Config()).build()


if __name__ == "__main__":
    main()
