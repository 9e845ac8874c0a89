"""App registration at Exact Online, and how long a sign-in lasts."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from exactonline_client.regions import REGIONS

if TYPE_CHECKING:
    from exactonline_client.regions import Region

CHAIN_DAYS = 30
"""Days after which an unused refresh token expires."""
DAY = 86_400.0
"""Seconds."""


@dataclass(frozen=True)
class App:
    """An app registration in one region."""

    region: Region
    client_id: str
    client_secret: str = field(repr=False)

    @property
    def key(self) -> str:
        """Key of this app in the store."""
        return hashlib.sha256(f"{self.region.base_url}|{self.client_id}".encode()).hexdigest()[:32]

    @property
    def connection_name(self) -> str:
        """Default name of a connection with this app, such as `nl-5a0d8f0e`."""
        known = REGIONS[self.region.code].base_url == self.region.base_url
        site = self.region.code if known else urlsplit(self.region.base_url).netloc
        name = re.sub(r"[^a-z0-9.]+", "-", f"{site} {self.client_id[:8]}".lower())
        return name.strip("-.")[:64]

    def authorise_url(self, redirect_uri: str, state: str) -> str:
        """Build the address at which a user signs in and authorises this app."""
        options = {
            "client_id": self.client_id,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "force_login": "0",
            "state": state,
        }
        return f"{self.region.base_url}/api/oauth2/auth?{urlencode(options)}"
