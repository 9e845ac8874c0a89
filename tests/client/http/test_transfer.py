"""Bodies of answers: bounded in time and in size, whatever a server sends."""

from __future__ import annotations

import gzip
import ssl
import threading
from http.client import BadStatusLine
from typing import TYPE_CHECKING, Any

import pytest
import requests
from urllib3.exceptions import DecodeError
from werkzeug import Response

from exactonline_client.errors import (
    EndpointUnavailable,
    ExactOnlineError,
    InDoubt,
    Unavailable,
    UnexpectedAnswer,
)
from exactonline_client.http import pagination
from exactonline_client.http.session import TRIES, Session
from tests.client.conftest import BASE, TOKEN_URL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_httpserver import HTTPServer
    from werkzeug import Request

    from tests.client.conftest import Exact

PATH = "/api/v1/1/crm/Accounts"
ROWS = [{"ID": "a"}]
LENGTH = 50


class Drip:
    """A body that comes byte by byte, a second apart by its clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self._looked = threading.Event()

    def clock(self) -> float:
        self.now += 1
        self._looked.set()
        return self.now

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(LENGTH):
            yield b" "
            # Who has gone away looks no longer, and is noticed by the next byte.
            self._looked.wait(0.1)
            self._looked.clear()


@pytest.fixture
def drip() -> Drip:
    return Drip()


@pytest.fixture
def session(exact: Exact, httpserver: HTTPServer, drip: Drip, naps: list[float]) -> Any:
    assert not naps
    exact.base_url = httpserver.url_for("").rstrip("/")
    exact.sign_in()
    made = exact.session()
    return Session(
        made.base_url,
        made._tokens,
        made._budget,
        made._http,
        timeout=5,
        max_bytes=2_000_000,
        clock=drip.clock,
    )


def rows(session: Session) -> list[Any]:
    return [row for page in pagination.read(session, PATH, 1) for row in page.rows]


@pytest.mark.parametrize("length", [{}, {"Content-Length": str(LENGTH)}], ids=["open", "known"])
def test_an_answer_that_drips_is_one_that_does_not_come(
    length: dict[str, str], session: Session, httpserver: HTTPServer, drip: Drip
) -> None:
    def answer(_request: Request) -> Response:
        return Response(iter(drip), headers=length)

    httpserver.expect_request(PATH).respond_with_handler(answer)
    with pytest.raises(EndpointUnavailable, match="no answer in time, 5 times in a row"):
        rows(session)
    assert drip.now >= TRIES * 5
    with pytest.raises(InDoubt, match="no answer in time"):
        session.write("POST", PATH, 1, b"{}")


def test_an_answer_that_unpacks_to_too_much_is_not_unpacked(
    session: Session, httpserver: HTTPServer
) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    httpserver.expect_ordered_request(PATH).respond_with_data(
        bomb, headers={"Content-Encoding": "gzip"}
    )
    httpserver.expect_ordered_request(PATH).respond_with_data(
        gzip.compress(b'{"d": [{"ID": "a"}]}'), headers={"Content-Encoding": "gzip"}
    )
    assert rows(session) == ROWS
    for _ in range(TRIES):
        httpserver.expect_ordered_request(PATH).respond_with_data(
            bomb, headers={"Content-Encoding": "gzip"}
        )
    with pytest.raises(EndpointUnavailable, match="with more than 2 MB"):
        rows(session)


@pytest.mark.parametrize(
    "error",
    [
        requests.ConnectionError("reset"),
        DecodeError("not gzip"),
        BadStatusLine("?"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
        MemoryError(),
        ssl.SSLError("bad record mac"),
        OSError("reset"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_whatever_a_call_ends_in_is_no_trace(
    error: Exception, exact: Exact, mock: Any, naps: list[float]
) -> None:
    exact.sign_in()
    session = exact.session()
    mock.get(f"{BASE}{PATH}", body=error)
    mock.get(f"{BASE}{PATH}", json={"d": ROWS})
    assert rows(session) == ROWS
    assert len(naps) == 1
    mock.post(f"{BASE}{PATH}", body=error)
    with pytest.raises(InDoubt, match="Whether it was carried out is not known"):
        session.write("POST", PATH, 1, b"{}")


def test_an_address_that_is_none_is_never_sent(exact: Exact, naps: list[float]) -> None:
    exact.base_url = "https://a..b"
    exact.sign_in()
    session = exact.session()
    with pytest.raises(Unavailable, match="Nothing was sent"):
        session.write("POST", PATH, 1, b"{}")
    assert not naps


@pytest.mark.parametrize("target", ["http://[::1", "http://\xff\xfe", "http://a..b/", "/api"])
def test_where_a_redirect_leads_is_not_looked_into(target: str, exact: Exact, mock: Any) -> None:
    exact.sign_in()
    session = exact.session()
    for method in ("GET", "POST"):
        mock.add(method, f"{BASE}{PATH}", status=302, headers={"Location": target})
    with pytest.raises(UnexpectedAnswer, match="redirect"):
        rows(session)
    with pytest.raises(ExactOnlineError, match="redirect"):
        session.write("POST", PATH, 1, b"{}")


@pytest.mark.parametrize("error", [MemoryError(), DecodeError("not gzip"), OSError("reset")])
def test_the_token_endpoint_is_no_exception(error: Exception, exact: Exact, mock: Any) -> None:
    mock.post(TOKEN_URL, body=error)
    with pytest.raises(Unavailable, match="did not answer"):
        exact.tokens().access_token()
