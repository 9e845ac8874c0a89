"""Documents at Exact Online: their addresses, and what a person wants to know of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exactonline_client import catalogue, regions
from exactonline_client.lookups import MAX_TERMS
from exactonline_client.odata.literals import literal
from exactonline_client.odata.query import MAX_URL, any_of, url

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exactonline_client.connection import Connection
    from exactonline_client.connections import SavedConnection
    from exactonline_client.store.postings import Posting

PARTIES = ("OrderedByName", "CustomerName", "SupplierName", "AccountName", "Name")
"""Columns that name the other party, the best first."""
AMOUNTS = ("AmountFC", "AmountDC")
"""Columns of the total, the best first."""


def base_url(saved: SavedConnection) -> str:
    """Where the API of a connection is."""
    return regions.resolve(saved.region, saved.base_url).base_url


def address(base: str, division: int, entity: str, key: str) -> str | None:
    """Where the API has a document; None for what has no such address.

    Exact documents no address for the page of a document in the browser.

    Args:
        base: of the API.
        division: its number.
        entity: id of the endpoint.
        key: of the document.
    """
    endpoint = catalogue.load().endpoints.get(entity)
    if endpoint is None or len(endpoint.key) != 1:
        return None
    edm = endpoint.properties[endpoint.key[0]].type
    return f"{base}{endpoint.uri.format(division=division)}({literal(key, edm)})"


def details(
    connection: Connection, found: Sequence[Posting]
) -> Mapping[tuple[int, str, str], dict[str, Any]]:
    """The customer and the amount of documents, read from Exact Online: many in one call.

    Returns:
        By division, endpoint and key.

    Raises:
        The errors of `Session.get`.
    """
    lists: dict[tuple[int, str], list[str]] = {}
    for posting in found:
        if posting.exact_id and posting.entity in catalogue.load().endpoints:
            lists.setdefault((posting.division, posting.entity), []).append(posting.exact_id)
    read: dict[tuple[int, str, str], dict[str, Any]] = {}
    for (division, entity), keys in lists.items():
        endpoint = catalogue.load().endpoints[entity]
        key = endpoint.key[0]
        party, amount = (_first(endpoint.columns, names) for names in (PARTIES, AMOUNTS))
        names = ",".join([key, *filter(None, (party, amount))])
        path = endpoint.uri.format(division=division)
        for condition in any_of(
            key, endpoint.columns[key].type, keys, MAX_URL // 2, most=MAX_TERMS
        ):
            asked = url(path, {"$filter": condition, "$select": names})
            for row in (row for page in connection.pages(asked, division) for row in page.rows):
                read[division, entity, str(row[key])] = {
                    "customer": row.get(party or ""),
                    "amount": row.get(amount or ""),
                }
    return read


def _first(columns: Mapping[str, object], names: Sequence[str]) -> str | None:
    return next((name for name in names if name in columns), None)
