"""Looking for documents at Exact Online by the user's own references, many in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exactonline_client import odata

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exactonline_client.connection import Connection
    from target_exactonline.entities import Entity

MOST_TERMS = 40
"""References in one filter. All their documents fit one page of 60 rows, unless some share one."""


def by_reference(
    connection: Connection,
    division: int,
    entity: Entity,
    field: str,
    references: Sequence[str],
) -> dict[str, list[str]]:
    """The keys of the documents that carry a reference, for the references that were found.

    Raises:
        The errors of `Session.get`.
    """
    found: dict[str, list[str]] = {}
    longest = odata.MAX_URL - len(connection.session.base_url)
    for address in _addresses(entity, division, field, references, longest):
        for page in connection.pages(address, division):
            for row in page.rows:
                reference = str(row.get(field) or "").strip()
                found.setdefault(reference, []).append(str(row.get(entity.key)))
    return found


def _addresses(
    entity: Entity, division: int, field: str, references: Sequence[str], longest: int
) -> Iterator[str]:
    """As few addresses as will ask for all references, none longer than `longest`."""

    def address(terms: Sequence[str]) -> str:
        options = {"$filter": " or ".join(terms), "$select": f"{entity.key},{field}"}
        return odata.url(entity.address(division), options)

    edm = entity.endpoint.properties[field].type
    pending: list[str] = []
    for reference in references:
        term = f"{field} eq {odata.literal(reference, edm)}"
        if pending and (len(pending) == MOST_TERMS or len(address([*pending, term])) > longest):
            yield address(pending)
            pending = []
        pending.append(term)
    if pending:
        yield address(pending)
