"""The XML API of Exact Online: upload and download documents of a topic.

Tokens, limits and divisions are those of the REST API. Errors of a document are in the body of the
response, whose status is 200 in any case.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode
from xml.etree.ElementTree import ParseError, tostring

import msgspec
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from exactonline_client.errors import InDoubt, UnexpectedAnswer
from exactonline_client.http.error_responses import shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from xml.etree.ElementTree import Element

    from exactonline_client.http.session import Session

ROOT = "eExact"
UPLOAD, DOWNLOAD = "/docs/XMLUpload.aspx", "/docs/XMLDownload.aspx"
HARMLESS = {"1", "2"}
"""Message types of warnings and confirmations; the others are errors."""
ACCEPT = {"Accept": "application/xml"}
SENT = {**ACCEPT, "Content-Type": "application/xml; charset=utf-8"}


class Message(msgspec.Struct, frozen=True):
    """A message about one document in the response to an upload."""

    is_error: bool
    key: str
    """Key of the document; empty if it is not named."""
    text: str


def body(document: Element) -> bytes:
    """Serialise an XML document."""
    return bytes(tostring(document, encoding="utf-8", xml_declaration=True))


def read(content: bytes) -> Element | None:
    """Parse an XML document; None if it is none of Exact Online."""
    try:
        root: Element = fromstring(content)
    except (ParseError, DefusedXmlException, LookupError, ValueError):
        return None
    return root if root.tag == ROOT else None


def upload(
    session: Session,
    division: int,
    topic: str,
    document: Element,
    confirm: Callable[[], None] | None = None,
) -> list[Message]:
    """Upload documents, once; return the messages in the order of the response.

    `confirm` is that of `Session.write`.

    Raises:
        InDoubt: they were sent and no response could be parsed.
        The errors of `Session.write`.
    """
    address = _address(UPLOAD, topic, division)
    answer = session.write("POST", address, division, body(document), SENT, confirm=confirm)
    try:
        root = _parse(answer.content)
    except UnexpectedAnswer as error:
        raise InDoubt(str(error)) from None
    return [_message(element) for element in root.iterfind("Messages/Message")]


def download(session: Session, division: int, topic: str) -> Iterator[Element]:
    """Iterate over the pages of a topic's documents.

    Raises:
        The errors of `Session.read`, also for a response that is not XML of Exact Online.
    """
    after = ""
    while True:
        address = _address(DOWNLOAD, topic, division, after)
        page = session.read(address, division, lambda answer: _parse(answer.content), ACCEPT)
        yield page
        found_topic = page.find(f"Topics/Topic[@code='{topic}']")
        if (
            found_topic is None
            or not _is_full(found_topic)
            or found_topic.get("ts_d", "") in ("", after)
        ):
            return
        after = found_topic.get("ts_d", "")


def _is_full(topic: Element) -> bool:
    """Return whether a page is full, so that there may be another."""
    count, size = topic.get("count", ""), topic.get("pagesize", "")
    return not (count.isdecimal() and size.isdecimal()) or int(count) >= int(size)


def _address(page: str, topic: str, division: int, after: str = "") -> str:
    options = {"Topic": topic, "_Division_": division, **({"TSPaging": after} if after else {})}
    return f"{page}?{urlencode(options)}"


def _parse(content: bytes) -> Element:
    root = read(content)
    if root is None:
        raise UnexpectedAnswer(
            "The XML API of Exact Online gave an answer that is not its own XML."
        )
    return root


def _message(element: Element) -> Message:
    data = element.find("Topic/Data")
    return Message(
        is_error=element.get("type", "") not in HARMLESS,
        key="" if data is None else (data.get("keyAlt") or data.get("key") or "").strip(),
        text=shortened(element.findtext("Description")),
    )
