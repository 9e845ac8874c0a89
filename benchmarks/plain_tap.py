"""Taps as one writes them with the SDK and nothing else, with its default settings.

One reads a list; the other reads invoices, and then the lines of each, as parent and child:
`python -m benchmarks.plain_tap FILE` runs that one.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from singer_sdk import Tap
from singer_sdk.pagination import BaseHATEOASPaginator
from singer_sdk.streams import RESTStream
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from urllib.parse import ParseResult

    import requests
    from singer_sdk import Stream


class Following(BaseHATEOASPaginator):
    """Goes on where the answer says."""

    @override
    def get_next_url(self, response: requests.Response) -> str | None:
        following: str | None = response.json()["d"].get("__next")
        return following


class PlainStream(RESTStream["ParseResult"]):
    """One list."""

    name = "transaction_lines"
    records_jsonpath = "$.d.results[*]"

    @property
    @override
    def url_base(self) -> str:
        return str(self.config["base_url"])

    @property
    @override
    def http_headers(self) -> dict[str, str]:
        token = self.config.get("token", "a")
        return {"Accept": "application/json", "Authorization": f"Bearer {token}"}

    @override
    def get_new_paginator(self) -> Following:
        return Following()

    @override
    def get_url_params(
        self, context: Mapping[str, Any] | None, next_page_token: ParseResult | None
    ) -> dict[str, Any]:
        query = next_page_token.query if next_page_token else self.query
        return dict(parse_qsl(query))

    @property
    def query(self) -> str:
        """What the first page is asked with."""
        return str(self.config["query"])


class PlainTap(Tap):
    """A tap with that list alone."""

    name = "plain-tap"

    @override
    def discover_streams(self) -> Sequence[Stream]:
        return [PlainStream(self, schema=self.config["schema"], path=self.config["path"])]


class Invoices(PlainStream):
    """The parents, 60 a page."""

    name = "sales_invoices"
    query = "$select=InvoiceID,InvoiceNumber,OrderedBy,AmountDC"

    @override
    def get_child_context(
        self, record: dict[str, Any], context: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        return {"invoice": record["InvoiceID"]}


class InvoiceLines(PlainStream):
    """The lines of one invoice."""

    name = "sales_invoice_lines"
    parent_stream_type = Invoices
    # Without this, the SDK keeps a bookmark for every invoice, and its state outgrows everything.
    state_partitioning_keys = ()
    query = "$select=ID,InvoiceID,Item,Quantity,AmountDC"


class ByParent(Tap):
    """A tap that asks for the lines of each invoice."""

    name = "by-parent-tap"

    @override
    def discover_streams(self) -> Sequence[Stream]:
        invoices = f"/api/v1/{self.config['division']}/salesinvoice/SalesInvoices"
        text = {"type": ["string", "null"]}
        number = {"type": ["number", "null"]}
        header = {"InvoiceID": text, "InvoiceNumber": number, "OrderedBy": text, "AmountDC": number}
        line = {"ID": text, "InvoiceID": text, "Item": text, "Quantity": number, "AmountDC": number}
        return [
            Invoices(self, schema={"properties": header}, path=invoices),
            InvoiceLines(
                self,
                schema={"properties": line},
                path=f"{invoices}(guid'{{invoice}}')/SalesInvoiceLines",
            ),
        ]


if __name__ == "__main__":
    ByParent(config=json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))).sync_all()
