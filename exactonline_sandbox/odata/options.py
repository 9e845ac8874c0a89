"""Parse the query string of a call: the options that begin with `$`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from exactonline_sandbox.errors import bad_request
from exactonline_sandbox.odata.filters import Node, parse_filter
from exactonline_sandbox.odata.literals import Literal, parse_literal

if TYPE_CHECKING:
    from collections.abc import Mapping

KNOWN = (
    "$filter", "$select", "$orderby", "$top", "$skip", "$expand", "$inlinecount", "$skiptoken",
)  # fmt: skip
_TOKEN_PART = re.compile(r"(?:(?:guid|(?i:datetime))?'(?:[^']|'')*'|[^,'])+")


@dataclass(frozen=True)
class Options:
    """Query options of a call."""

    raw: Mapping[str, str] = field(default_factory=dict)
    """All options unparsed, including parameters of functions."""
    filter: Node | None = None
    select: tuple[str, ...] = ()
    orderby: tuple[tuple[str, bool], ...] = ()
    """Properties, each with whether it is descending."""
    top: int | None = None
    skip: int = 0
    expand: tuple[str, ...] = ()
    inlinecount: bool = False
    skiptoken: tuple[Literal, ...] | None = None


def parse_options(query: str, *, zoned: bool = False) -> Options:
    """Parse a query string.

    Args:
        query: The query string.
        zoned: Whether a filter may have `datetime'...Z'`.

    Raises:
        ApiError: 400 for an unknown, repeated or malformed option.
    """
    raw: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name.startswith("$") and name not in KNOWN:
            raise bad_request(f"The query parameter '{name}' is not supported.")
        if name in raw and name.startswith("$"):
            raise bad_request(f"Query parameter '{name}' is specified, but it should be once.")
        raw[name] = value
    condition = raw.get("$filter", "")
    return Options(
        raw=raw,
        filter=parse_filter(condition, zoned=zoned) if condition.strip() else None,
        select=_names(raw.get("$select", "")),
        orderby=_orderby(raw.get("$orderby", "")),
        top=_count(raw, "$top"),
        skip=_count(raw, "$skip") or 0,
        expand=_names(raw.get("$expand", "")),
        inlinecount=_inlinecount(raw.get("$inlinecount")),
        skiptoken=_skiptoken(raw["$skiptoken"]) if "$skiptoken" in raw else None,
    )


def _names(text: str) -> tuple[str, ...]:
    if not text.strip():
        return ()
    names = tuple(name.strip() for name in text.split(","))
    if not all(names):
        raise bad_request("Bad Request - Error in query syntax.")
    return names


def _orderby(text: str) -> tuple[tuple[str, bool], ...]:
    order = []
    for part in _names(text):
        name, _, direction = part.partition(" ")
        if direction.strip() not in ("", "asc", "desc"):
            raise bad_request("Bad Request - Error in query syntax.")
        order.append((name, direction.strip() == "desc"))
    return tuple(order)


def _count(raw: Mapping[str, str], name: str) -> int | None:
    text = raw.get(name)
    if text is None:
        return None
    if not re.fullmatch(r"\d{1,9}", text.strip()):
        raise bad_request(
            f"Incorrect format for {name} argument '{text}': a whole number, not negative."
        )
    return int(text)


def _inlinecount(text: str | None) -> bool:
    if text in (None, "none"):
        return False
    if text != "allpages":
        raise bad_request(f"Unknown $inlinecount option '{text}', only 'allpages' and 'none'.")
    return True


def _skiptoken(text: str) -> tuple[Literal, ...]:
    parts = _TOKEN_PART.findall(text)
    if ",".join(parts) != text:
        raise bad_request("Bad Request - Error in query syntax.")
    return tuple(parse_literal(part.strip()) for part in parts)
