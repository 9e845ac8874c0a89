"""The regions of Exact Online: address and time zone of each."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

from exactonline_client.errors import ConfigurationError


# A named tuple: commands that do nothing else with JSON would import msgspec for a struct.
class Region(NamedTuple):
    """A region; each app registration, token and division belongs to exactly one."""

    code: str
    name: str
    base_url: str
    zone: str
    """IANA time zone of the server; known for the first four, assumed for the others."""


REGIONS = {
    region.code: region
    for region in (
        Region("nl", "Netherlands", "https://start.exactonline.nl", "Europe/Amsterdam"),
        Region("be", "Belgium", "https://start.exactonline.be", "Europe/Amsterdam"),
        Region("de", "Germany", "https://start.exactonline.de", "Europe/Amsterdam"),
        Region("fr", "France", "https://start.exactonline.fr", "Europe/Amsterdam"),
        Region("uk", "United Kingdom", "https://start.exactonline.co.uk", "Europe/London"),
        Region("us", "United States", "https://start.exactonline.com", "Europe/Amsterdam"),
        Region("es", "Spain", "https://start.exactonline.es", "Europe/Amsterdam"),
    )
}

LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def resolve(region: str, base_url: str | None = None) -> Region:
    """Return a region by its code; `base_url` overrides its address (sandbox, tests).

    Raises:
        ConfigurationError: the region is unknown, or the address is not https (plain http is
            accepted on this machine only).
    """
    known = REGIONS.get(region)
    if known is None:
        raise ConfigurationError(
            f"Setting region: {region!r} is unknown. Choose one of {', '.join(sorted(REGIONS))}."
        )
    if not base_url:
        return known
    if not _usable(base_url):
        raise ConfigurationError(
            f"Setting base_url is not an https address such as {known.base_url}, without a user, "
            "a password or a query."
        )
    return Region(known.code, known.name, base_url.rstrip("/"), known.zone)


def _usable(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    plain = not (parts.query or parts.fragment or "@" in parts.netloc)
    return secure and plain and bool(parts.hostname)
