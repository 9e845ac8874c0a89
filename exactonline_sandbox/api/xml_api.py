"""The XML API: upload and download of the topic `MatchSets`."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING
from urllib.parse import parse_qs
from xml.sax.saxutils import escape, quoteattr

from exactonline_sandbox.business.editor import Editor
from exactonline_sandbox.business.matching import MatchLine, MatchSet
from exactonline_sandbox.errors import ApiError, invalid
from exactonline_sandbox.odata.answer import Answer
from exactonline_sandbox.odata.bodies import parse_xml

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from exactonline_sandbox.api.call import Call
    from exactonline_sandbox.books.company import Company
    from exactonline_sandbox.business.matching import Matches
    from exactonline_sandbox.config import User
    from exactonline_sandbox.world import World

UPLOAD, DOWNLOAD = "XMLUpload.aspx", "XMLDownload.aspx"
TOPIC = "MatchSets"
PAGE_SIZE = 1000
_METHODS = {UPLOAD: "POST", DOWNLOAD: "GET"}
_ERROR, _DONE = 0, 2
_HEAD = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<eExact xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xsi:noNamespaceSchemaLocation="eExact-XML.xsd">'
)


def division_of(query: str) -> int:
    """The `_Division_` of a query string; 0, which no user may open, without one."""
    text = parse_qs(query).get("_Division_", [""])[0]
    return int(text) if text.isascii() and text.isdigit() else 0


def serve(world: World, user: User, company: Company, call: Call) -> Answer:
    """Answer an upload or a download; errors in a document are messages in the answer.

    Raises:
        ApiError: 404 if the XML API is switched off, 405 for the wrong method.
    """
    if not world.switches.xml_api:
        raise ApiError(404, "The resource cannot be found.")
    if call.method != _METHODS[call.path]:
        raise ApiError(405, f"The method {call.method} is not allowed here.")
    options = parse_qs(call.query)
    if options.get("Topic") != [TOPIC]:
        return _answer(_message(_ERROR, "", "The sandbox has no such topic."))
    matches = world.matches(company)
    if call.path == DOWNLOAD:
        return _download(matches, options.get("TSPaging", ["0x0"])[0])
    return _upload(world, matches, Editor(company, world.author(user)), call.body)


def _upload(world: World, matches: Matches, editor: Editor, body: bytes) -> Answer:
    try:
        root = parse_xml(body)
    except ValueError as error:
        return _answer(_message(_ERROR, "", f"XML error: {error}"))
    messages = []
    for element in root.iter("MatchSet"):
        account = _code(element, "Account")
        try:
            matches.match(editor, _read(element))
        except ApiError as error:
            messages.append(_message(_ERROR, account, error.message))
        else:
            if world.switches.xml_tells_successes:
                messages.append(_message(_DONE, account, "Created"))
    return _answer("".join(messages))


def _read(element: Element) -> MatchSet:
    try:
        lines = tuple(
            MatchLine(
                int(line.attrib["finyear"]),
                int(line.attrib["finperiod"]),
                line.attrib["journal"].strip(),
                int(line.attrib["entry"]),
                Decimal(line.attrib["amountdc"]),
            )
            for line in element.iter("MatchLine")
        )
    except KeyError as error:
        raise invalid(f"Mandatory: {error.args[0]}") from error
    except (ValueError, InvalidOperation) as error:
        raise invalid("Invalid value in MatchLine") from error
    write_off = element.find("WriteOff")
    return MatchSet(
        _code(element, "GLAccount"),
        _code(element, "Account"),
        lines,
        None if write_off is None else _code(write_off, "GLAccount"),
    )


def _code(element: Element, name: str) -> str:
    found = element.find(name)
    return "" if found is None else found.get("code", "").strip()


def _download(matches: Matches, after: str) -> Answer:
    try:
        start = int(after, 16)
    except ValueError:
        return _answer(_message(_ERROR, "", f"Invalid TSPaging: {after}"))
    sets = matches.sets[start : start + PAGE_SIZE]
    topic = (
        f'<Topics><Topic code="{TOPIC}" ts_d="0x{start + len(sets):016X}" '
        f'count="{len(sets)}" pagesize="{PAGE_SIZE}" /></Topics>'
    )
    content = "".join(_match_set(item) for item in sets)
    return _answer("", f"<MatchSets>{content}</MatchSets>{topic}")


def _match_set(item: MatchSet) -> str:
    lines = "".join(
        f'<MatchLine finyear="{line.year}" finperiod="{line.period}" '
        f'journal={quoteattr(line.journal)} entry="{line.entry}" amountdc="{line.amount}" />'
        for line in item.lines
    )
    return (
        f"<MatchSet><GLAccount code={quoteattr(item.gl_account)} />"
        f"<Account code={quoteattr(item.account)} /><MatchLines>{lines}</MatchLines></MatchSet>"
    )


def _message(kind: int, key: str, text: str) -> str:
    return (
        f'<Message type="{kind}"><Topic code="{TOPIC}" node="MatchSet">'
        f"<Data keyAlt={quoteattr(key)} /></Topic>"
        f"<Description>{escape(text)}</Description></Message>"
    )


def _answer(messages: str, content: str = "") -> Answer:
    body = f"{_HEAD}{content}<Messages>{messages}</Messages></eExact>"
    return Answer(200, body.encode(), "text/xml; charset=utf-8")
