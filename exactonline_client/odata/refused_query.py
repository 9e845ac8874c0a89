"""What the message of a refused query says: an unknown property, or an unsupported option."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exactonline_client.errors import RequestRefused

BAD_REQUEST = 400
UNKNOWN_PROPERTY = re.compile(
    r"could not find a property named '(\w+)'|no property '(\w+)' exists", re.IGNORECASE
)
UNSUPPORTED = re.compile(
    # Messages of the OData libraries of .NET.
    r"error in query syntax"
    r"|query specified in the uri is not valid"
    r"|cannot be applied to the requested resource"
    # Messages of Exact Online.
    r"|filtering on these fields is not supported"
    r"|has mandatory filtering applied"
    r"|please add a \$select"
    r"|\$(?:select|filter|orderby|expand|skip)\S* is not (?:supported|allowed)"
    r"|the endpoint '\w+' is not supported",
    re.IGNORECASE,
)


def unknown_property(refusal: RequestRefused) -> str | None:
    """Return the property that a refusal calls unknown; None for other refusals."""
    match = UNKNOWN_PROPERTY.search(refusal.reason) if refusal.status == BAD_REQUEST else None
    return match and (match[1] or match[2])


def is_about_query(refusal: RequestRefused) -> bool:
    """Return whether the message of a refusal is a known one about unsupported query options.

    Any other refusal may be temporary.
    """
    if refusal.status != BAD_REQUEST:
        return False
    return bool(unknown_property(refusal) or UNSUPPORTED.search(refusal.reason))
