"""The rate-limit-aware paginator: follows a list of the API page by page.

The next page is only ever asked of the same host. Both shapes of a list are understood: an
object with `results`, and the bare array that comes when `$top` fits one page.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeGuard
from urllib.parse import unquote, urlsplit

import msgspec

from exactonline_client.error_counts import endpoint_of
from exactonline_client.errors import UnexpectedAnswer
from exactonline_client.session import check_host

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from exactonline_client.odata import Row
    from exactonline_client.session import Session


@dataclass(frozen=True)
class Page:
    """One page: rows as the API sends them, and where the next page is."""

    rows: list[Row]
    next_address: str | None = None
    read_at: datetime | None = None
    """The server's time when it answered, in UTC and whole seconds."""

    @property
    def skiptoken(self) -> str | None:
        """The position where the next page starts, such as `493115L`; None on the last page."""
        query = urlsplit(self.next_address or "").query
        for part in query.split("&"):
            name, _, value = part.partition("=")
            if unquote(name) == "$skiptoken":
                return unquote(value)
        return None


def read(session: Session, address: str, division: int | None) -> Iterator[Page]:
    """All pages of a list, each fetched when it is asked for.

    Raises:
        UnexpectedAnswer: a body that is no list, or a next page on another host.
        The errors of `Session.get`.
    """
    seen = set()
    endpoint = endpoint_of(address)
    current: str | None = address
    while current:
        seen.add(current)
        answer = session.get(current, division)
        page = replace(parse(answer.content), read_at=_date(answer.headers.get("Date")))
        following = page.next_address
        if following:
            check_host(session.base_url, following, "the next page of a list")
            if following in seen:
                raise UnexpectedAnswer(
                    f"{urlsplit(address).path}: the next page is one that was read already."
                )
        session.usage.rows_by_endpoint[division, endpoint] += len(page.rows)
        yield page
        current = following


def parse(body: bytes) -> Page:
    """The page in the body of an answer.

    Raises:
        UnexpectedAnswer: the body is not a list of rows.
    """
    try:
        content: Any = _json(body)["d"]
    except (ValueError, KeyError, TypeError, RecursionError):
        content = None
    page = collection(content)
    if page is None:
        raise UnexpectedAnswer(
            "Exact Online answered with something that is not a list of rows. "
            "Check region and base_url; a proxy in between may answer in its place."
        )
    return page


def _json(body: bytes) -> Any:  # noqa: ANN401
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        # The slower decoder takes a byte order mark and halves of characters too.
        return json.loads(body)


def collection(content: Any) -> Page | None:  # noqa: ANN401
    """The rows of a list in either shape, also of one inside a row; None where it is no list."""
    if isinstance(content, list):
        content = {"results": content}
    if not isinstance(content, dict):
        return None
    rows, following = content.get("results"), content.get("__next")
    if not _are_rows(rows) or not isinstance(following, (str, type(None))):
        return None
    return Page(rows, following)


def _are_rows(rows: object) -> TypeGuard[list[Row]]:
    return isinstance(rows, list) and all(isinstance(row, dict) for row in rows)


def _date(header: str | None) -> datetime | None:
    try:
        return None if header is None else parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
