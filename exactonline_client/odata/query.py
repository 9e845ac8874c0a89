"""Build addresses with query options and filters."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from exactonline_client.odata.literals import EMPTY_GUID, literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from exactonline_client.catalogue import Endpoint

MAX_URL = 6000
"""Maximum length of an address that the server accepts, encoded."""
SAFE = "$,'()/:*!~-._"
"""Characters that are not percent-encoded."""


def url(path: str, options: Mapping[str, str | None]) -> str:
    """Encode path and query options as an address; options without a value are left out."""
    pairs = [f"{name}={quote(value, safe=SAFE)}" for name, value in options.items() if value]
    return f"{path}?{'&'.join(pairs)}" if pairs else path


def any_of(  # noqa: PLR0913 - what a filter consists of
    name: str,
    edm: str,
    values: Iterable[object],
    room: int,
    *,
    most: int | None = None,
    safe: str = SAFE,
) -> Iterator[str]:
    """Build the fewest filters that match rows whose property has one of the values.

    Args:
        name: of the property.
        edm: its type.
        values: to match.
        room: maximum length of an encoded filter; exceeded if a single value is longer.
        most: maximum of values in a filter; None for no limit.
        safe: characters that are not percent-encoded.
    """
    terms: list[str] = []
    taken = 0
    for value in values:
        term = f"{name} eq {literal(value, edm)}"
        size = len(quote(f" or {term}", safe=safe))
        if terms and (len(terms) == most or taken + size > room):
            yield " or ".join(terms)
            terms, taken = [], 0
        terms.append(term)
        taken += size
    if terms:
        yield " or ".join(terms)


def match_all(endpoint: Endpoint, division: int) -> str | None:
    """Build a filter that matches every row, for lists that require one.

    None if the endpoint allows no suitable property in filters.
    """
    filters = {
        **{
            name: f"{name} ne guid'{EMPTY_GUID}'"
            for name in endpoint.key
            if endpoint.columns[name].type == "Edm.Guid"
        },
        "Created": "Created ge datetime'1970-01-01T00:00:00'",
        "Division": f"Division eq {division}",
    }
    permitted = endpoint.filter_fields or endpoint.key
    return next((text for name, text in filters.items() if name in permitted), None)
