"""Follow a list of the API page by page.

The next page is only requested from the same host. A list is either an object with `results`, or
the bare array that the API sends if `$top` fits one page.
"""

from __future__ import annotations

import json
import logging
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeGuard
from urllib.parse import unquote, urlsplit

import msgspec
from msgspec.structs import replace

from exactonline_client.errors import AccessDenied, EndpointUnavailable, UnexpectedAnswer
from exactonline_client.http.endpoints import endpoint_of
from exactonline_client.http.session import check_host
from exactonline_client.odata.decoding import sanitize
from exactonline_client.odata.records import NUL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    import requests

    from exactonline_client.http.session import Session
    from exactonline_client.odata.decoding import Row
    from exactonline_client.odata.records import PageDecoder, Record

logger = logging.getLogger(__name__)

SKIPTOKEN = "$skiptoken"
NO_LIST = "Exact Online answered with something that is not a list of rows."
MAX_DIGITS = 100
"""Maximum of digits of an integer; longer ones, which no column holds, become floats."""


class Page(msgspec.Struct, frozen=True):
    """A page: its rows as the API sends them, and the address of the next page."""

    rows: list[Row]
    next_address: str | None = None
    read_at: datetime | None = None
    """Time of the response by the server's clock, in UTC and whole seconds."""
    mended: frozenset[str] = frozenset()
    """Columns whose texts had characters that UTF-8 or databases cannot hold."""
    records: list[Record] | None = None
    """The rows, where the page was decoded at once; `rows` is empty then."""

    @property
    def skiptoken(self) -> str | None:
        """Continuation token of the next page, such as `493115L`; None on the last page."""
        query = urlsplit(self.next_address or "").query
        for part in query.split("&"):
            name, _, value = part.partition("=")
            if unquote(name) == SKIPTOKEN:
                return unquote(value)
        return None


def read(
    session: Session,
    address: str,
    division: int | None,
    check: Callable[[Page], Page] = lambda page: page,
    decoder: PageDecoder | None = None,
) -> Iterator[Page]:
    """Iterate over the pages of a list lazily.

    Args:
        session: for the calls.
        address: of the first page.
        division: whose limits the calls count against; None for none.
        check: converts a page; raises UnexpectedAnswer to have it requested again.
        decoder: decodes pages at once after the first; None for rows as the API sends them.

    Raises:
        UnexpectedAnswer: the next page is on another host, or was read already.
        EndpointUnavailable: also if a later page is denied after an earlier one was returned.
        The errors of `Session.read`.
    """

    def parse_page(answer: requests.Response) -> Page:
        page = check(parse(answer.content) if decoder is None else _parse(answer.content, decoder))
        return replace(page, read_at=_date(answer.headers.get("Date")))

    seen = set()
    endpoint = endpoint_of(address)
    current: str | None = address
    while current:
        seen.add(current)
        try:
            page = session.read(current, division, parse_page)
        except AccessDenied as denial:
            if current == address and SKIPTOKEN not in unquote(urlsplit(current).query):
                raise
            raise EndpointUnavailable(
                f"{denial} The page before it was given, so rights are not missing. "
                "What was done so far is kept; run again later."
            ) from None
        if page.mended:
            logger.warning(
                "%s of division %s: texts of %s contain half of a character or a NUL; "
                "U+FFFD is sent instead.",
                endpoint,
                division,
                ", ".join(sorted(page.mended)),
            )
        next_address = page.next_address
        if next_address:
            check_host(session.base_url, next_address, "the next page of a list")
            if next_address in seen:
                raise UnexpectedAnswer(
                    f"{urlsplit(address).path}: the next page is one that was read already."
                )
        session.usage.rows_by_endpoint[division, endpoint] += len(page.records or page.rows)
        yield page
        current = next_address


def parse(body: bytes) -> Page:
    """Parse the page in a response body.

    Raises:
        UnexpectedAnswer: the body is not a list of rows.
    """
    payload, mended = _content(body)
    page = collection(payload)
    if page is None:
        raise UnexpectedAnswer(NO_LIST)
    return replace(page, mended=mended) if mended else page


def _parse(body: bytes, decoder: PageDecoder) -> Page:
    """Parse a page at once if it is like the one before."""
    decoded = decoder.decode(body)
    if decoded is not None:
        return Page([], decoded.next_address, records=decoded.records)
    page = parse(body)
    if page.rows:
        decoder.expect(page.rows)
    return page


def content(body: bytes) -> Any:  # noqa: ANN401
    """Parse the payload (`d`) of a response body; None if there is none."""
    return _content(body)[0]


def _content(body: bytes) -> tuple[Any, frozenset[str]]:
    """Return the payload, and the names of the texts that were sanitized."""
    try:
        document, is_clean = _json(body)
        mended = frozenset() if is_clean else frozenset(_unclean_names(document["d"]))
        return _sanitized(document["d"]) if mended else document["d"], mended
    except (ValueError, KeyError, TypeError, RecursionError):
        return None, frozenset()


def _json(body: bytes) -> tuple[Any, bool]:
    """Decode a body; return it and whether its texts are known to be valid."""
    try:
        return msgspec.json.decode(body), NUL not in body
    except msgspec.DecodeError:
        # The slower decoder accepts a byte order mark, lone surrogates and numbers of any size.
        return json.loads(body, parse_int=_number), False


def _number(digits: str) -> float:
    return int(digits) if len(digits) < MAX_DIGITS else float(digits)


def _unclean_names(value: Any, name: str = "") -> Iterator[str]:  # noqa: ANN401
    """Yield the names of texts that need sanitizing."""
    if isinstance(value, str) and _sanitized(value) != value:
        yield name
    elif isinstance(value, list):
        for item in value:
            yield from _unclean_names(item, name)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _unclean_names(item, key)


def _sanitized(value: Any) -> Any:  # noqa: ANN401
    """Return the value with its texts sanitized."""
    if isinstance(value, str):
        return sanitize(value)
    if isinstance(value, list):
        return [_sanitized(item) for item in value]
    if isinstance(value, dict):
        return {_sanitized(name): _sanitized(item) for name, item in value.items()}
    return value


def collection(payload: Any) -> Page | None:  # noqa: ANN401
    """Return the rows of a list in either form, also of one nested in a row; None if it is none."""
    if isinstance(payload, list):
        payload = {"results": payload}
    if not isinstance(payload, dict):
        return None
    rows, next_address = payload.get("results"), payload.get("__next")
    if not _are_rows(rows) or not isinstance(next_address, (str, type(None))):
        return None
    return Page(rows, next_address)


def _are_rows(rows: object) -> TypeGuard[list[Row]]:
    return isinstance(rows, list) and all(isinstance(row, dict) for row in rows)


def _date(header: str | None) -> datetime | None:
    try:
        return None if header is None else parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
