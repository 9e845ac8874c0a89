"""Parse the resource path of a call: endpoint, key, navigation property, `$count`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exactonline_sandbox.edm.model import schema
from exactonline_sandbox.errors import ApiError, bad_request
from exactonline_sandbox.odata.literals import Literal, fits, parse_literal

if TYPE_CHECKING:
    from exactonline_client.catalogue import Endpoint

_PATH = re.compile(
    r"(?P<entity>[\w/]+?)(?:\((?P<key>(?:[^()']|'(?:[^']|'')*')*)\))?"
    r"(?:/(?P<navigation>\w+))?(?P<count>/\$count)?/?"
)
_KEY_PART = re.compile(r"(?:(\w+)=)?((?:guid|(?i:datetime))?'(?:[^']|'')*'|[^,']+)")


@dataclass(frozen=True)
class Resource:
    """A parsed resource path."""

    endpoint: Endpoint
    key: tuple[Literal, ...] | None = None
    navigation: str | None = None
    count: bool = False


def find_resource(path: str, *, beta: bool = False) -> Resource:
    """Parse a path below the division.

    Raises:
        ApiError: 404 for an unknown endpoint, 400 for a malformed key.
    """
    whole = schema().find(path.strip("/"), beta=beta)
    if whole:
        return Resource(whole)
    match = _PATH.fullmatch(path)
    # A segment after a key is a navigation property; without a key it is part of the entity.
    if match is None or (match["navigation"] and match["key"] is None):
        match = re.fullmatch(r"(?P<entity>[\w/]+?)(?P<count>/\$count)", path)
        if match is None:
            raise ApiError(404, f"Resource not found for the segment '{path}'.")
        return Resource(_endpoint(match["entity"], beta=beta), count=True)
    endpoint = _endpoint(match["entity"], beta=beta)
    key = None if match["key"] is None else _key(endpoint, match["key"])
    return Resource(endpoint, key, match["navigation"], bool(match["count"]))


def _endpoint(path: str, *, beta: bool) -> Endpoint:
    endpoint = schema().find(path, beta=beta)
    if endpoint is None:
        raise ApiError(404, f"Resource not found for the segment '{path.rsplit('/', 1)[-1]}'.")
    return endpoint


def _key(endpoint: Endpoint, text: str) -> tuple[Literal, ...]:
    parts = _KEY_PART.findall(text)
    if len(parts) != len(endpoint.key):
        raise bad_request(f"The number of keys in '{text}' does not match that of the type.")
    by_name = {name: value for name, value in parts if name}
    values = []
    for name, (_, value) in zip(endpoint.key, parts, strict=True):
        literal = parse_literal(by_name.get(name, value))
        if literal.value is None or not fits(literal, endpoint.properties[name]):
            kind = endpoint.properties[name].type
            raise bad_request(f"Unrecognized '{kind}' literal '{value}' in '{text}'.")
        values.append(literal)
    return tuple(values)
