"""The XML API: what is sent, and what an answer means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element

import pytest

from exactonline_client.errors import EndpointUnavailable, InDoubt
from exactonline_client.http import xml
from exactonline_client.http.session import TRIES
from exactonline_client.http.xml import Message
from tests.client.conftest import BASE

if TYPE_CHECKING:
    from exactonline_client.http.session import Session
    from tests.client.conftest import Exact

UPLOAD = f"{BASE}/docs/XMLUpload.aspx?Topic=Things&_Division_=7"
DOWNLOAD = f"{BASE}/docs/XMLDownload.aspx?Topic=Things&_Division_=7"
FOREIGN = [
    "",
    "<html><body>Sign in</body></html>",
    '{"error": {}}',
    '<!DOCTYPE eExact [<!ENTITY a "b">]><eExact>&a;</eExact>',
    '<?xml version="1.0" encoding="foo"?><eExact/>',
    '<?xml version="1.0" encoding="base64"?><eExact/>',
    '<?xml version="1.0" encoding="utf-7"?><eExact/>',
]


@pytest.fixture
def session(exact: Exact) -> Session:
    exact.sign_in()
    return exact.session()


def told(kind: str, rest: str = "") -> str:
    return f'<Message type="{kind}">{rest}</Message>'


def test_messages_are_read_in_their_order(session: Session, mock: Any) -> None:
    named = '<Topic code="Things" node="Thing"><Data keyAlt=" 17 "/></Topic>'
    body = (
        told("2", f"{named}<Description>Created</Description>")
        + told("0", f"{named}<Description>Not\r\nfound</Description>")
        + told("1")
        + told("3")
    )
    mock.post(UPLOAD, body=f"<eExact><Messages>{body}</Messages></eExact>")
    assert xml.upload(session, 7, "Things", Element("eExact")) == [
        Message(is_error=False, key="17", text="Created"),
        Message(is_error=True, key="17", text="Not; found"),
        Message(is_error=False, key="", text=""),
        Message(is_error=True, key="", text=""),
    ]
    sent = mock.calls[0].request
    assert sent.headers["Content-Type"] == "application/xml; charset=utf-8"
    assert sent.headers["Authorization"] == "Bearer access-0"
    assert sent.body.startswith(b"<?xml version=")
    assert sent.body.endswith(b"<eExact />")
    assert session.usage.calls == {7: 1}


@pytest.mark.parametrize("body", FOREIGN)
def test_an_answer_that_is_something_else_leaves_doubt(
    body: str, session: Session, mock: Any
) -> None:
    mock.post(UPLOAD, body=body)
    with pytest.raises(InDoubt, match="not its own XML"):
        xml.upload(session, 7, "Things", Element("eExact"))
    assert len(mock.calls) == 1


@pytest.mark.parametrize("body", FOREIGN)
def test_a_download_of_something_else_is_asked_for_again(
    body: str, session: Session, mock: Any, naps: list[float]
) -> None:
    mock.get(DOWNLOAD, body=body)
    mock.get(DOWNLOAD, body="<eExact/>")
    (root,) = xml.download(session, 7, "Things")
    assert root.tag == "eExact"
    for _ in range(TRIES):
        mock.get(DOWNLOAD, body=body)
    with pytest.raises(EndpointUnavailable, match="not its own XML") as caught:
        list(xml.download(session, 7, "Things"))
    assert caught.value.exit_code == 7
    assert len(naps) == TRIES


def page(topic: str) -> str:
    return f"<eExact><Things/><Topics>{topic}</Topics></eExact>"


@pytest.mark.parametrize(
    ("topics", "calls"),
    [
        ([""], 1),
        (['<Topic code="Things" ts_d="0xA" count="3" pagesize="1000"/>'], 1),
        (['<Topic code="Others" ts_d="0xA" count="1000" pagesize="1000"/>'], 1),
        (['<Topic code="Things" count="1000" pagesize="1000"/>'], 1),
        (['<Topic code="Things" ts_d="0xA" count="1000" pagesize="1000"/>', ""], 2),
        (['<Topic code="Things" ts_d="0xA"/>'] * 2, 2),
    ],
)
def test_pages_are_read_to_the_last(
    topics: list[str], calls: int, session: Session, mock: Any
) -> None:
    for number, topic in enumerate(topics):
        mock.get(DOWNLOAD + ("&TSPaging=0xA" if number else ""), body=page(topic))
    assert len(list(xml.download(session, 7, "Things"))) == calls == len(mock.calls)
