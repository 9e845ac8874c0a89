"""Everything that takes input from outside, with sound samples of what it gets.

Each parser reads as the programs do, and refuses with an error that is meant for people.
"""

from __future__ import annotations

import io
import json
import os
import time
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest import mock
from xml.etree.ElementTree import Element
from zoneinfo import ZoneInfo

import requests

from exactonline_cli.sign_in.flow import SignIn
from exactonline_client import catalogue
from exactonline_client.auth import oauth, refusals
from exactonline_client.errors import DailyLimitReached, ExactOnlineError
from exactonline_client.http import pagination, xml
from exactonline_client.http.error_responses import exact_message
from exactonline_client.http.rate_limit import Budget
from exactonline_client.http.session import Usage
from exactonline_client.odata import decoding
from exactonline_client.plugin import start
from exactonline_client.plugin.configuration import GivenSettings
from exactonline_client.store.clock import ServerClock
from exactonline_client.store.store import Store
from exactonline_client.store.tables import connections
from tap_exactonline.definitions.definition import stream_definitions
from tap_exactonline.divisions import webhooks
from tap_exactonline.tap import TapExactOnline
from target_exactonline.mapping import attachments
from target_exactonline.mapping.folder import Folder
from target_exactonline.match_sets import file as match_file
from target_exactonline.match_sets import model
from target_exactonline.message_reader import MessageReader
from target_exactonline.schema.values import BadValueError
from target_exactonline.target import TargetExactOnline
from tests.stress import traps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from exactonline_sandbox import Server

ZONE = ZoneInfo("Europe/Amsterdam")
HOST = "https://start.exactonline.nl"


@dataclass(frozen=True)
class Parser:
    """Something that takes input from outside."""

    name: str
    samples: tuple[bytes, ...]
    read: Callable[[bytes], object]
    share: float = 1.0
    """How many inputs it gets, since some take long."""


def _rows(endpoint: str) -> Callable[[bytes], object]:
    decode = decoding.decoder(catalogue.load().endpoints[endpoint].columns.values(), ZONE)

    def read(body: bytes) -> list[decoding.Row]:
        try:
            return [decode(row) for row in pagination.parse(body).rows]
        except decoding.WrongType as error:
            # The stream that reads the row makes an error of this.
            raise ExactOnlineError(str(error)) from None

    return read


def _next_page(text: bytes) -> object:
    """Follow a list whose first page says that the next one is here."""
    address = text.decode(errors="surrogateescape")
    first = json.dumps({"d": {"results": [], "__next": address}}).encode()
    bodies = iter([first, b'{"d": {"results": []}}'])

    def read(_address: str, _division: int | None, parse: Callable[[Any], object]) -> object:
        return parse(SimpleNamespace(content=next(bodies), headers={}))

    session: Any = SimpleNamespace(base_url=HOST, read=read, usage=Usage())
    return [page.skiptoken for page in pagination.read(session, "/api/v1/1/crm/Accounts", 1)]


def _answer(body: bytes, status: int) -> requests.Response:
    answer = requests.Response()
    answer.status_code, answer._content = status, body
    return answer


def _tokens(body: bytes) -> object:
    return oauth._pair(_answer(body, 200), None, HOST)


def _token_refusal(body: bytes) -> object:
    error, description = refusals.error_of(_answer(body, 400))
    raise refusals.refresh_token_refused(400, error, description, HOST)


def _refusal(body: bytes) -> object:
    return exact_message(_answer(body, 500))


def _webhook(payload: bytes) -> object:
    try:
        return webhooks.parse(payload).is_signed_with("secret")
    except ValueError as error:
        raise ExactOnlineError(str(error)) from None


def _singer_line(line: bytes) -> object:
    return MessageReader().deserialize_json(line.decode(errors="surrogateescape"))


def _headers(store: Store) -> Callable[[bytes], object]:
    now = [time.time()]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    budget = Budget(store, "app", clock=ServerClock(lambda: now[0]), sleep=sleep)

    def read(text: bytes) -> None:
        lines = (line.partition(":") for line in text.decode("latin-1").splitlines())
        headers = requests.structures.CaseInsensitiveDict(
            {name: value.strip() for name, _, value in lines}
        )
        budget.learn(1, headers)
        with suppress(DailyLimitReached), budget.turn(1, "crm/Accounts"):
            pass

    return read


def _store_file(folder: Path) -> Callable[[bytes], object]:
    path = folder / "fuzzed" / "store.db"
    path.parent.mkdir()

    def read(content: bytes) -> None:
        for file in path.parent.iterdir():
            file.unlink()
        path.write_bytes(content)
        store = Store(f"sqlite:///{path}", KEY)
        try:
            with store.transaction() as connection:
                for row in connection.execute(connections.select()).mappings():
                    store.decrypt(row["refresh_token"])
        finally:
            store.close()

    return read


def _settings(kind: type[TapExactOnline | TargetExactOnline]) -> Callable[[bytes], object]:
    def read(text: bytes) -> None:
        try:
            settings = json.loads(text)
        except (ValueError, RecursionError):
            raise ExactOnlineError("The SDK reads the file, and says so.") from None
        if not isinstance(settings, dict):
            raise ExactOnlineError("The SDK reads the file, and says so.")
        start.start(kind, GivenSettings(settings))

    return read


def _environment(kind: type[TapExactOnline | TargetExactOnline]) -> Callable[[bytes], object]:
    prefix = f"{kind.name.upper().replace('-', '_')}_"

    def read(text: bytes) -> None:
        # No variable can hold a zero byte.
        lines = text.replace(b"\0", b"").decode(errors="surrogateescape").splitlines()
        pairs = (line.partition("=") for line in lines)
        variables = {f"{prefix}{name}": value for name, _, value in pairs if name.isidentifier()}
        with mock.patch.dict(os.environ, variables):
            start.start(kind, GivenSettings(parse_env=True))

    return read


def _events(folder: Path) -> Callable[[bytes], object]:
    """The file of `divisions_from`, and what a run makes of it."""
    path, facts = folder / "webhooks.jsonl", catalogue.load()
    known = stream_definitions(facts, use_sync=True)

    def read(text: bytes) -> object:
        path.write_bytes(text)
        return webhooks.divisions_by_stream(webhooks.read(str(path)), known, facts)

    return read


def _input(server: Server, folder: Path) -> Callable[[bytes], object]:
    """A whole run of the target on Singer messages."""
    settings = {
        **server.settings(),
        "store_url": f"sqlite:///{folder / 'input' / 'store.db'}",
        "dry_run": True,
        "hard_delete": True,
        "streams": {"web": {"entity": "sales_invoices", "rows": "lines"}},
    }
    server.control.clock(advance_seconds=600)

    def read(text: bytes) -> None:
        given = io.StringIO(text.decode(errors="surrogateescape"))
        with (
            redirect_stdout(io.TextIOWrapper(io.BytesIO())),
            start.readable_configuration_errors(),
        ):
            TargetExactOnline.invoke(config=GivenSettings(settings), file_input=given)

    return read


UPLOADED = b"""<?xml version="1.0" encoding="utf-8"?><eExact><Messages><Message type="2">
<Topic code="MatchSets" node="MatchSets"><Data keyAlt="1300" /></Topic><Date>2026-06-25</Date>
<Description>Created</Description></Message><Message type="0"><Topic code="MatchSets" />
<Description>Not found</Description></Message></Messages></eExact>"""
DOWNLOADED = b"""<?xml version="1.0" encoding="utf-8"?><eExact><MatchSets><MatchSet>
<GLAccount code="1300" /><Account code="               123" /><MatchLines>
<MatchLine finyear="2026" finperiod="6" journal="70" entry="26700001" amountdc="121.00" />
<MatchLine finyear="2026" finperiod="6" journal="20" entry="26200001" amountdc="-121.00" />
</MatchLines></MatchSet></MatchSets>
<Topics><Topic code="MatchSets" ts_d="0x01" count="1" pagesize="1" /></Topics></eExact>"""
STRANGE = b'<?xml version="1.0" encoding="foo"?><eExact><MatchSets></MatchSets></eExact>'
VARIABLES = b"""REGION=nl
DIVISIONS=123456,234567
ALL_DIVISIONS=false
DIVISIONS_SHARE=1/2
MAX_PARALLEL_DIVISIONS=4
REQUEST_TIMEOUT=1.5
START_DATE=2025-01-01T00:00:00Z
CUSTOM_STREAMS=[{"name": "mine", "path": "crm/Accounts", "keys": ["ID"]}]
STREAM_MAPS={"accounts": {"Name": null}}"""
TARGET_VARIABLES = b"""DIVISION=123456
STREAMS={"mine": {"entity": "sales_invoices", "rows": "lines"}}
MAX_ERRORS=3
CREATE_MISSING=accounts,items
DRY_RUN=yes"""
WEBHOOKS = b"""
{"Content":{"Topic":"Items","Action":"Update","Division":1,"Key":"a"},"HashCode":"ABC"}
{"Content":{"Topic":"Accounts","Action":"Delete","Division":2},"HashCode":"ABC"}"""
KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
PAGE = b"""{ "d" : { "results": [
{ "__metadata": {"uri": "https://start.exactonline.nl/api/v1/1/crm/Accounts(guid'1')", "type": "A"},
"ID": "9b5d4b2e-0f4f-4b7e-8d51-2f6a1c8e7d10", "Code": "             10001", "Name": "A & B",
"Blocked": false, "CreditLineSales": 12.5, "Modified": "\\/Date(1782405060220)\\/",
"StartDate": null, "BankAccounts": {"__deferred": {"uri": "https://x"}}, "SecurityLevel": 10,
"IsMailing": 1, "Latitude": "52.1" } ],
"__next": "https://start.exactonline.nl/api/v1/1/crm/Accounts?$skiptoken=guid'9b5d4b2e-0f4f'" } }"""
SYNC = b"""{"d": [{"Timestamp": "493115", "ID": "9b5d4b2e-0f4f-4b7e-8d51-2f6a1c8e7d10",
"LineNumber": 1, "Quantity": 2, "AmountFC": 10.1, "Modified": "/Date(1782405060220)/"}]}"""
ADDRESSES = (
    b"https://start.exactonline.nl/api/v1/1/crm/Accounts?$skiptoken=guid'790f0000-0000'",
    b"https://start.exactonline.nl/api/v1/1/x?$select=ID&$skiptoken=datetime'2024-09-09T12%3A40'",
    b"/api/v1/1/sync/CRM/Accounts?%24skiptoken=493115L",
)
LIMITS = b"""X-RateLimit-Limit: 5000
X-RateLimit-Remaining: 4766
X-RateLimit-Reset: 1683936000000
X-RateLimit-Minutely-Limit: 60
X-RateLimit-Minutely-Remaining: 58
X-RateLimit-Minutely-Reset: 1683879540000
Date: Fri, 12 May 2023 08:18:25 GMT"""
PLACES = tuple(
    path.encode(errors="surrogatepass")
    for path in (*traps.SOUND * 8, *traps.PATHS, "{}/a.pdf", "{}/../secret.txt")
)
SETTINGS = json.dumps(
    {
        "region": "nl", "client_id": "id", "client_secret": "secret", "divisions": [1, 2],
        "start_date": "2025-01-01T00:00:00Z", "deletes": "tombstone", "request_timeout": 300,
        "custom_streams": [{"name": "mine", "path": "crm/Accounts", "keys": ["ID"],
                            "bookmark": "Modified", "filter": "Status eq 'C'"}],
    }
).encode()  # fmt: skip
TARGET_SETTINGS = json.dumps(
    {
        "region": "nl", "client_id": "id", "client_secret": "secret", "division": 1,
        "reference_field": "YourRef", "max_errors": 3, "load_method": "append-only",
        "streams": {"mine": {"entity": "sales_invoices", "rows": "lines"}},
    }
).encode()  # fmt: skip
MESSAGES = (
    b'{"type": "SCHEMA", "stream": "sales_invoices", "schema": {"properties": {}}}\n'
    b'{"type": "RECORD", "stream": "sales_invoices", "record": {"YourRef": "a", "OrderedBy": '
    b'"9b5d4b2e-0f4f-4b7e-8d51-2f6a1c8e7d10", "SalesInvoiceLines": [{"Item": '
    b'"9b5d4b2e-0f4f-4b7e-8d51-2f6a1c8e7d10", "Quantity": 1}]}}\n'
    b'{"type": "STATE", "value": {"a": 1}}\n'
)
ROWS = (
    b'{"type": "SCHEMA", "stream": "web", "schema": {"properties": {}}, "key_properties": '
    b'["your_ref", "line_number"]}\n'
    b'{"type": "RECORD", "stream": "web", "record": {"your_ref": "a", "line_number": null, '
    b'"ordered_by": "9b5d4b2e-0f4f-4b7e-8d51-2f6a1c8e7d10", "order_date": "2026-06-25", "item": '
    b'"9b5d4b2e-0f4f-4b7e-8d51-2f6a1c8e7d10", "quantity": "1.0", "_sdc_deleted_at": ""}}\n'
    b'{"type": "RECORD", "stream": "web", "record": {"your_ref": "a ", "line_number": "", '
    b'"ordered_by": "", "order_date": "2026-06-25T00:00:00Z", "item": '
    b'"9b5d4b2e-0f4f-4b7e-8d51-2f6a1c8e7d10", "quantity": 2, "_sdc_deleted_at": false}}\n'
    b'{"type": "RECORD", "stream": "web", "record": {"your_ref": "a", "line_number": "1", '
    b'"_sdc_deleted_at": "2026-06-25T10:00:00Z"}}\n'
)


def _uploaded(text: bytes) -> None:
    """What is made of the answer to an upload of the XML API."""
    session = SimpleNamespace(write=lambda *_, **__: SimpleNamespace(content=text))
    xml.upload(session, 1, "MatchSets", Element("eExact"))  # type: ignore[arg-type]


def _downloaded(text: bytes) -> None:
    """What is made of the match sets that the XML API lists; a full page is asked for once."""
    answers = iter([text, b"<eExact/>"])

    def read(_address: str, _division: int, parse: Callable[[Any], object], _: object) -> object:
        return parse(SimpleNamespace(content=next(answers)))

    session = SimpleNamespace(read=read)
    for page in xml.download(session, 1, "MatchSets"):  # type: ignore[arg-type]
        for element in page.iter("MatchSet"):
            model.identity(element)


def _match_file(folder: Path) -> Callable[[bytes], object]:
    def read(text: bytes) -> None:
        file = folder / "matches.xml"
        file.write_bytes(text)
        match_file.add(str(file), 1, [])

    return read


def _path_of_a_file(folder: Path) -> Callable[[bytes], object]:
    """The path in a record, below a folder amid files that must not be read."""
    (folder / "paths" / "store").mkdir(parents=True)
    made = traps.make(folder / "paths")
    place = Folder(made.scans, folder / "paths" / "store")

    def read(text: bytes) -> None:
        path = text.decode(errors="surrogateescape").replace("{}", str(made.scans))
        try:
            content = place.read(path, attachments.MAX_BYTES)
        except BadValueError as error:
            raise ExactOnlineError(str(error)) from None
        if wrong := made.wrong([content]):
            raise AssertionError(*wrong)

    return read


def _signed_in_page() -> Callable[[bytes], object]:
    def read(text: bytes) -> None:
        step = SignIn({}, state="abc")
        step.take_address(text.decode(errors="surrogateescape"))

    return read


def parsers(folder: Path, server: Server) -> Iterator[Parser]:
    """Everything that takes input from outside."""
    store = Store(f"sqlite:///{folder / 'sound' / 'store.db'}", KEY)
    yield Parser("page of accounts", (PAGE,), _rows("crm/Accounts"))
    yield Parser("page of a feed", (SYNC,), _rows("sync/SalesInvoice/SalesInvoices"))
    yield Parser("address of the next page", ADDRESSES, _next_page)
    yield Parser(
        "pair of tokens",
        (b'{"access_token":"a","token_type":"bearer","expires_in":"600","refresh_token":"b"}',),
        _tokens,
    )
    yield Parser(
        "refusal of a token",
        (b'{"error":"invalid_grant","error_description":"Old refresh token used."}',),
        _token_refusal,
    )
    yield Parser(
        "refusal of a call",
        (b'{"error":{"code":"","message":{"lang":"","value":"Verplicht: Naam\\r\\nMeer"}}}',),
        _refusal,
    )
    yield Parser("headers of limits", (LIMITS,), _headers(store), 0.1)
    yield Parser(
        "payload of a webhook",
        (
            b"""{"Content":{"Topic":"Items","Action":"Update","Division":1,"Key":"a"},
"HashCode":"ABC"}""",
        ),
        _webhook,
    )
    yield Parser(
        "pasted address",
        (b"https://example.com/callback?code=stampNL001.abc%21xyz&state=def",),
        _signed_in_page(),
    )
    yield Parser("answer to an upload of XML", (UPLOADED, STRANGE), _uploaded)
    yield Parser("list of match sets", (DOWNLOADED, STRANGE), _downloaded)
    yield Parser("file of match sets", (DOWNLOADED, STRANGE), _match_file(folder), 0.1)
    yield Parser("path of a file", PLACES, _path_of_a_file(folder))
    yield Parser("line of the input", tuple((MESSAGES + ROWS).splitlines()), _singer_line)
    yield Parser("input of the target", (MESSAGES, ROWS), _input(server, folder), 0.02)
    yield Parser("settings of the tap", (SETTINGS,), _settings(TapExactOnline), 0.01)
    yield Parser("settings of the target", (TARGET_SETTINGS,), _settings(TargetExactOnline), 0.02)
    yield Parser("variables of the tap", (VARIABLES,), _environment(TapExactOnline), 0.05)
    yield Parser(
        "variables of the target", (TARGET_VARIABLES,), _environment(TargetExactOnline), 0.05
    )
    yield Parser("file of webhooks", (WEBHOOKS,), _events(folder), 0.1)
    store.close()
    sound = (folder / "sound" / "store.db").read_bytes()
    yield Parser("file of the store", (sound,), _store_file(folder), 0.02)
