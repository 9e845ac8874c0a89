"""A tap as one writes it with the SDK and nothing else: a REST stream with its default settings."""

from __future__ import annotations

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
        return {"Accept": "application/json", "Authorization": "Bearer a"}

    @override
    def get_new_paginator(self) -> Following:
        return Following()

    @override
    def get_url_params(
        self, context: Mapping[str, Any] | None, next_page_token: ParseResult | None
    ) -> dict[str, Any]:
        query = next_page_token.query if next_page_token else str(self.config["query"])
        return dict(parse_qsl(query))


class PlainTap(Tap):
    """A tap with that list alone."""

    name = "plain-tap"

    @override
    def discover_streams(self) -> Sequence[Stream]:
        return [PlainStream(self, schema=self.config["schema"], path=self.config["path"])]
