"""A first look at the books: the last sales invoices, in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exactonline_client import catalogue
from exactonline_client.odata.decoding import decoder
from exactonline_client.odata.query import url

if TYPE_CHECKING:
    from exactonline_client.connection import Connection
    from exactonline_client.odata.decoding import WrongType

ENTITY = "salesinvoice/SalesInvoices"
COLUMNS = ("InvoiceDate", "InvoiceNumber", "InvoiceToName", "AmountFC", "Currency")
COUNT = 3


def last_invoices(connection: Connection, division: int) -> list[dict[str, Any]]:
    """Read the last sales invoices of a division, the newest first; None for an odd value.

    Raises:
        The errors of `Session.get`.
    """
    endpoint = catalogue.load().endpoints[ENTITY]
    query = {
        "$select": ",".join(COLUMNS),
        "$orderby": "InvoiceDate desc",
        "$top": str(COUNT),
    }
    address = url(endpoint.uri.format(division=division), query)
    page = next(iter(connection.pages(address, division)), None)
    decode = decoder([endpoint.properties[name] for name in COLUMNS], connection.zone, _leave_out)
    return [decode(dict(row)) for row in page.rows[:COUNT]] if page else []


def _leave_out(_: WrongType) -> None:
    """Accept that a value has another type: a look at data is not where to stop for it."""
