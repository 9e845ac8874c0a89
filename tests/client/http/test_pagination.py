"""Lists: both shapes, page after page, and never on another server."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exactonline_client.catalogue import Property
from exactonline_client.errors import EndpointUnavailable, UnexpectedAnswer
from exactonline_client.http import pagination
from exactonline_client.http.pagination import Page
from exactonline_client.http.session import TRIES
from exactonline_client.odata.records import PageDecoder, as_row

if TYPE_CHECKING:
    import responses

    from exactonline_client.http.session import Session
    from tests.client.conftest import Exact

BASE = "http://127.0.0.1:9"
PATH = "/api/v1/1/crm/Accounts"
ROWS = [{"ID": "b"}, {"ID": "a"}]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["d", "results", "__next", "error", ""]), inner)
    ),
    max_leaves=12,
)


@pytest.fixture
def session(exact: Exact) -> Session:
    exact.sign_in()
    return exact.session()


def as_body(content: Any) -> bytes:
    return json.dumps(content).encode()


@pytest.mark.parametrize(
    ("body", "page"),
    [
        ({"d": ROWS}, Page(ROWS)),
        ({"d": {"results": ROWS}}, Page(ROWS)),
        ({"d": {"results": ROWS, "__next": None}}, Page(ROWS)),
        ({"d": {"results": ROWS, "__count": "2"}}, Page(ROWS)),
        ({"d": {"results": ROWS, "__next": f"{BASE}/2"}}, Page(ROWS, f"{BASE}/2")),
        ({"d": []}, Page([])),
        ({"d": {"results": []}}, Page([])),
    ],
)
def test_both_shapes_of_a_list_are_understood(body: object, page: Page) -> None:
    assert pagination.parse(as_body(body)) == page


def test_the_servers_line_breaks_and_slashes_are_understood() -> None:
    body = b'{\r\n"d" : [\r\n{\r\n"Modified": "\\/Date(1782405060220)\\/"\r\n}\r\n]\r\n}'
    assert pagination.parse(body).rows == [{"Modified": "/Date(1782405060220)/"}]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"\xff\xfe",
        b"[" * 100_000,
        b"{}",
        b"[]",
        b"null",
        b'{"d": null}',
        b'{"d": "rows"}',
        b'{"d": {"ID": "a"}}',
        b'{"d": [1, 2]}',
        b'{"d": [null]}',
        b'{"d": {"results": {}}}',
        b'{"d": {"results": [[]]}}',
        b'{"d": {"results": [], "__next": 5}}',
    ],
    ids=lambda body: body[:40].decode(errors="replace") or "nothing",
)
def test_what_is_no_list_of_rows_is_told(body: bytes) -> None:
    with pytest.raises(UnexpectedAnswer, match="not a list of rows"):
        pagination.parse(body)


@pytest.mark.parametrize(
    ("body", "headers", "outline"),
    [
        (b"", {}, "HTTP 200 with an empty body"),
        (b"<html><title>\n Down for\n now </title>", {}, 'an HTML page titled "Down for now"'),
        (b"<!DOCTYPE html><p>Sign in", {}, "an HTML page)"),
        (b'{"d": [{"ID": "secret', {"Content-Type": "application/json;c=d"}, "21 bytes of applic"),
        (b'{"d": [{"ID": "secret"}]}', {"Content-Encoding": "gzip"}, "cannot be unpacked"),
        (b'{"d": {"results": [null]}}', {}, "26 bytes of text/plain"),
    ],
)
def test_a_body_that_is_not_understood_is_asked_for_again(  # noqa: PLR0917
    body: bytes,
    headers: dict[str, str],
    outline: str,
    session: Session,
    mock: Any,
    naps: list[float],
) -> None:
    for _ in range(2):
        mock.get(f"{BASE}{PATH}", body=body, headers=headers)
    mock.get(f"{BASE}{PATH}", json={"d": ROWS})
    assert [page.rows for page in pagination.read(session, PATH, 1)] == [ROWS]
    assert len(naps) == session.usage.retries == 2
    for _ in range(TRIES):
        mock.get(f"{BASE}{PATH}", body=body, headers=headers)
    with pytest.raises(EndpointUnavailable) as caught:
        next(pagination.read(session, PATH, 1))
    assert outline in str(caught.value)
    assert "5 times in a row" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.exit_code == 7


def test_a_page_that_fails_a_check_is_asked_for_again(
    session: Session, mock: Any, naps: list[float]
) -> None:
    def check(page: Page) -> Page:
        if not page.rows:
            raise UnexpectedAnswer("There is always a row.")
        return page

    mock.get(f"{BASE}{PATH}", json={"d": []})
    mock.get(f"{BASE}{PATH}", json={"d": ROWS})
    assert [page.rows for page in pagination.read(session, PATH, 1, check)] == [ROWS]
    assert len(naps) == 1


@given(content=JSON)
@example(content={"d": {"results": [], "__next": True}})
def test_any_json_is_a_page_or_is_told(content: Any) -> None:
    try:
        page = pagination.parse(as_body(content))
    except UnexpectedAnswer:
        return
    assert all(isinstance(row, dict) for row in page.rows)
    assert page.next_address is None or isinstance(page.next_address, str)


@pytest.mark.parametrize(
    ("address", "token"),
    [
        (None, None),
        (f"{BASE}/x?$top=40", None),
        (f"{BASE}/x?$top=40&$skiptoken=493115L", "493115L"),
        (
            f"{BASE}/x?%24skiptoken=datetime'2024-09-09T12%3A40%3A29.9',guid'd478'&$top=1",
            "datetime'2024-09-09T12:40:29.9',guid'd478'",
        ),
    ],
)
def test_a_page_knows_where_the_next_one_starts(address: str | None, token: str | None) -> None:
    assert Page([], address).skiptoken == token


def test_pages_are_followed_to_the_end(session: Session, mock: responses.RequestsMock) -> None:
    following = f"{BASE}{PATH}?$skiptoken=guid'a'"
    headers = {"Date": "Thu, 25 Jun 2026 14:13:14 GMT"}
    mock.get(f"{BASE}{PATH}", json={"d": {"results": ROWS, "__next": following}}, headers=headers)
    mock.get(following, json={"d": {"results": [{"ID": "c"}], "__next": f"{PATH}?$skiptoken=7L"}})
    mock.get(f"{BASE}{PATH}?$skiptoken=7L", json={"d": []})
    found = list(pagination.read(session, PATH, 1))
    assert [page.rows for page in found] == [ROWS, [{"ID": "c"}], []]
    assert found[0].read_at == datetime(2026, 6, 25, 14, 13, 14, tzinfo=timezone.utc)
    assert session.usage.calls == {1: 3}


def test_pages_like_the_first_are_decoded_at_once(session: Session, mock: Any) -> None:
    second, third = f"{BASE}{PATH}?$skiptoken=1L", f"{BASE}{PATH}?$skiptoken=2L"
    row = {"Code": " 1", "Division": 1}
    mock.get(f"{BASE}{PATH}", json={"d": {"results": [row], "__next": second}})
    mock.get(second, json={"d": {"results": [row, row], "__next": third}})
    mock.get(third, json={"d": {"results": [{**row, "Code": 1}]}})
    columns = [Property("Code", "Edm.String"), Property("Division", "Edm.Int32")]
    decoder = PageDecoder(columns, {"Division"}, ZoneInfo("Europe/Amsterdam"))
    found = list(pagination.read(session, PATH, 1, decoder=decoder))
    assert [page.rows for page in found] == [[row], [], [{**row, "Code": 1}]]
    decoded = [None if page.records is None else [*map(as_row, page.records)] for page in found]
    assert decoded == [None, [{"Code": "1", "Division": 1}] * 2, None]
    assert session.usage.rows_by_endpoint.total() == 4


def test_a_page_is_fetched_when_it_is_asked_for(session: Session, mock: Any) -> None:
    mock.get(f"{BASE}{PATH}", json={"d": {"results": ROWS, "__next": f"{BASE}/2"}})
    reading = pagination.read(session, PATH, 1)
    assert not mock.calls
    assert next(reading).rows == ROWS
    assert len(mock.calls) == 1


@pytest.mark.parametrize("date", [None, "", "soon", "Fri, 12 May 2023 08:168387954018:25 GMT"])
def test_a_missing_or_garbled_date_is_none(date: str | None, session: Session, mock: Any) -> None:
    mock.get(f"{BASE}{PATH}", json={"d": []}, headers={} if date is None else {"Date": date})
    (page,) = pagination.read(session, PATH, 1)
    assert page.read_at is None


@pytest.mark.parametrize(
    "address",
    [
        "https://127.0.0.1:9/api",
        "http://127.0.0.1/api",
        "http://127.0.0.1:99/api",
        "http://127.0.0.1:9.example.com/api",
        "http://example.com:9/api",
        "http://me@127.0.0.1:9/api",
        "http://127.0.0.1:9@example.com/api",
        "http://127.0.0.1:9\\@example.com/api",
        "//example.com/api",
        "ftp://127.0.0.1:9/api",
        "api/v1/1/crm/Accounts",
        "@example.com/api",
        "http://[::1",
        "javascript:alert(1)",
    ],
)
def test_a_next_page_on_another_server_is_never_asked_for(
    address: str, session: Session, mock: Any
) -> None:
    mock.get(f"{BASE}{PATH}", json={"d": {"results": ROWS, "__next": address}})
    with pytest.raises(UnexpectedAnswer, match="next page"):
        list(pagination.read(session, PATH, 1))
    assert len(mock.calls) == 1


def test_pages_that_lead_round_in_a_circle_end(session: Session, mock: Any) -> None:
    first, second = f"{BASE}{PATH}", f"{BASE}{PATH}?$skiptoken=2L"
    mock.get(first, json={"d": {"results": ROWS, "__next": second}})
    mock.get(second, json={"d": {"results": ROWS, "__next": first}})
    reading = pagination.read(session, first, 1)
    assert next(reading).rows == ROWS
    with pytest.raises(UnexpectedAnswer, match="was read already"):
        next(reading)
    assert len(mock.calls) == 2


@pytest.mark.parametrize(
    "text",
    ["123456789012345678901234567890", "-0", "1e999", "NaN", '"\\u00e9\\/"', "1.10"],
)
def test_values_are_what_the_standard_decoder_makes_of_them(text: str) -> None:
    body = f'{{"d": [{{"A": {text}}}]}}'
    (row,) = pagination.parse(body.encode()).rows
    assert repr(row["A"]) == repr(json.loads(text))


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        ('"whole \\ud83d\\ude00"', "whole \N{GRINNING FACE}"),
        ('"half \\ud83d."', "half \N{REPLACEMENT CHARACTER}."),
        ('"other half \\ude00"', "other half \N{REPLACEMENT CHARACTER}"),
        ('"nothing\\u0000"', "nothing\N{REPLACEMENT CHARACTER}"),
        ('["\\udfff"]', ["\N{REPLACEMENT CHARACTER}"]),
        ('"a backslash \\\\u0000"', "a backslash \\u0000"),
    ],
)
def test_texts_that_no_utf_8_or_no_database_holds_are_mended_and_named(
    text: str, mended: object
) -> None:
    page = pagination.parse(f'{{"d": [{{"A": {text}, "B": "sound"}}]}}'.encode())
    assert page.rows == [{"A": mended, "B": "sound"}]
    assert page.mended == ({"A"} if "\N{REPLACEMENT CHARACTER}" in str(mended) else set())


def test_a_number_of_more_digits_than_are_ever_read_spares_the_rows_beside_it() -> None:
    (row, other) = pagination.parse(b'{"d": [{"A": 1' + b"0" * 5000 + b'}, {"A": 1}]}').rows
    assert row["A"] == float("inf")
    assert other == {"A": 1}


def test_a_byte_order_mark_is_no_obstacle() -> None:
    assert pagination.parse(b"\xef\xbb\xbf" + as_body({"d": ROWS})) == Page(ROWS)


def test_rows_are_counted_by_endpoint(session: Session, mock: responses.RequestsMock) -> None:
    mock.get(f"{BASE}{PATH}", json={"d": ROWS})
    assert [page.rows for page in pagination.read(session, f"{PATH}?$top=2", 1)] == [ROWS]
    assert session.usage.rows_by_endpoint == {(1, "crm/Accounts"): 2}
    assert session.usage.calls_by_endpoint == {(1, "crm/Accounts"): 1}
