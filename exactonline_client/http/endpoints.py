"""What Exact Online counts errors by: the endpoint of an address, and the statuses that count."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

COUNTED_STATUSES = (400, 401, 403, 404)
"""Statuses that Exact Online counts as errors."""
MAX_NAME = 120

_RESOURCE = re.compile(r"/api/v1/(?:beta/)?(?:\d+/)?(?P<name>[^(]+)")


def endpoint_of(address: str) -> str:
    """Return the endpoint of an address, such as `crm/Accounts`, without key and query."""
    path = urlsplit(address).path
    match = _RESOURCE.search(path)
    name = match["name"] if match else path
    return name.removesuffix("/$count").strip("/")[:MAX_NAME]
