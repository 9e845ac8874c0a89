"""Pages that are decoded at once hold what their rows would, decoded one by one."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exactonline_client.catalogue import Property
from exactonline_client.http import pagination
from exactonline_client.odata import decoding
from exactonline_client.odata.records import (
    Expansion,
    PageDecoder,
    Record,
    RecordPage,
    as_row,
    leave_out,
    projection,
)

ZONE = ZoneInfo("Europe/Amsterdam")
NEXT = "https://start.exactonline.nl/api/v1/1/list?$skiptoken=2L"
COLUMNS = [
    Property("Timestamp", "Edm.Int64"),
    Property("Code", "Edm.String"),
    Property("Name", "Edm.String"),
    Property("ID", "Edm.Guid"),
    Property("Amount", "Edm.Double"),
    Property("Number", "Edm.Int32"),
    Property("IsMain", "Edm.Boolean"),
    Property("Modified", "Edm.DateTime", date="instant"),
    Property("Date", "Edm.DateTime", date="date"),
    Property("Division", "Edm.Int32"),
]
ROW: dict[str, Any] = {
    "__metadata": {"uri": "https://x", "type": "Exact.Row"},
    "Name": 'Café \\ "x"',
    "Timestamp": "4100307598",
    "ID": "a07b5588-4d7d-4872-88f9-30b2d256440d",
    "Code": "                10",
    "Amount": -12.5,
    "Number": 3,
    "IsMain": True,
    "Modified": "/Date(1672586466030)/",
    "Date": "/Date(1672531200000)/",
    "Division": 1,
}
PLAIN = {name: value for name, value in ROW.items() if name != "__metadata"}
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([2**63 - 1, 2**63, -(2**63), 1 - 2**63, 10**400]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(),
    st.integers(min_value=-(10**15), max_value=10**15).map("/Date({})/".format),
    st.integers().map(str),
    st.lists(st.none(), max_size=1),
    st.dictionaries(st.just("__deferred"), st.none()),
)


def body(rows: list[Any], **page: Any) -> bytes:
    return msgspec.json.encode({"d": {"results": rows, **page}})


def decoder(row: dict[str, Any] = ROW) -> PageDecoder:
    made = PageDecoder(COLUMNS, {"Division"}, ZONE)
    made.expect([row])
    return made


def one_by_one(content: bytes) -> list[Any]:
    """The same rows, decoded by themselves; stops at a value of another type."""
    decode = decoding.decoder(COLUMNS, ZONE)
    return [decode(row) for row in pagination.parse(content).rows]


@given(st.lists(st.dictionaries(st.sampled_from([*PLAIN]), VALUES), max_size=3))
@example([{}, {"Code": None, "Amount": 7, "Modified": None}])
@example([{"Amount": 2**63 - 1, "Number": -(2**63) + 1, "Date": "/Date(-62135596800000)/"}])
def test_records_are_what_rows_are(changes: list[dict[str, Any]]) -> None:
    content = body([{**ROW, **change} for change in changes], __next=NEXT)
    page = decoder().decode(content)
    if page is not None:
        assert msgspec.json.encode(page.records) == msgspec.json.encode(one_by_one(content))
        assert page.next_address == NEXT


@pytest.mark.parametrize("row", [ROW, PLAIN], ids=["with metadata", "without"])
def test_a_page_of_such_rows_is_decoded_at_once(row: dict[str, Any]) -> None:
    nulls = {**row, **dict.fromkeys(PLAIN), "Division": 1}
    content = body([row, nulls])
    page = decoder(row).decode(content)
    assert page is not None
    assert [*map(as_row, page.records)] == one_by_one(content)
    assert page.records[0]["Code"] == page.records[0].get("Code") == "10"
    assert page.records[0].get("_sdc_deleted_at") is None
    assert page.next_address is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"d":[]}',
        b'{"error":{"code":""}}',
        body([ROW], __next=5),
        body([5]),
        body([{**ROW, "New": 1}]),
        body([{name: value for name, value in ROW.items() if name != "Name"}]),
        body([PLAIN]),
        body([ROW, {**ROW, "Number": "3"}]),
        body([ROW, {**ROW, "Amount": "3.5"}]),
        body([ROW, {**ROW, "Name": 3}]),
        body([ROW, {**ROW, "IsMain": 1}]),
        body([ROW, {**ROW, "Modified": "today"}]),
        body([ROW, {**ROW, "Timestamp": "many"}]),
        body([ROW, {**ROW, "Number": 2**63}]),
        body([ROW, {**ROW, "Amount": 2**63}]),
        body([ROW, {**ROW, "Division": None}]),
        body([ROW, {**ROW, "Name": "half\0"}]),
        body([ROW]).replace(b"Caf", rb"\ud800"),
        b"\xef\xbb\xbf" + body([ROW]),
    ],
)
def test_a_page_with_anything_else_is_left_to_the_rows(content: bytes) -> None:
    assert decoder().decode(content) is None


@pytest.mark.parametrize("row", [{}, {"Name": "x"}, {**ROW, "New": 1}])
def test_nothing_is_decoded_at_once_after_a_row_with_other_columns(row: dict[str, Any]) -> None:
    made = decoder()
    made.expect([row])
    assert made.decode(body([ROW])) is None


def test_columns_are_left_out_of_records_and_dicts() -> None:
    page = decoder().decode(body([ROW, ROW]))
    assert page is not None
    rows: list[dict[str, Any] | Record] = [page.records[0], dict(PLAIN), page.records[1]]
    leave_out(rows, {"Name", "Amount", "Unknown"})
    kept = [name for name in PLAIN if name not in {"Name", "Amount"}]
    assert [[*as_row(row)] for row in rows] == [kept] * 3
    assert [[*row] for row in msgspec.json.decode(msgspec.json.encode(rows))] == [kept] * 3


def with_lines(collection: Any, **changes: Any) -> dict[str, Any]:
    return {**ROW, "Lines": collection, **changes}


def expanding(*rows: dict[str, Any]) -> PageDecoder:
    made = PageDecoder(COLUMNS, {"Division"}, ZONE, Expansion("Lines", COLUMNS[:4]))
    made.expect(rows)
    return made


LINE = {name: ROW[name] for name in ("ID", "Code", "Timestamp", "Name")}


@given(
    st.lists(st.lists(st.dictionaries(st.sampled_from([*LINE]), VALUES), max_size=2), max_size=3)
)
@example([[{}, {"Code": " 1"}], []])
def test_records_hold_the_lines_that_rows_do(documents: list[list[dict[str, Any]]]) -> None:
    rows = [with_lines({"results": [LINE | line for line in lines]}) for lines in documents]
    content = body(rows, __next=NEXT)
    page = expanding(with_lines([]), with_lines({"results": [LINE]})).decode(content)
    if page is None:
        return
    decode = decoding.decoder(COLUMNS[:4], ZONE)
    expected = [[decode(line) for line in row["Lines"]["results"]] for row in rows]
    found = [record["Lines"] for record in page.records]
    assert [[*map(as_row, lines.records)] for lines in found] == expected
    only_header = map(projection([*PLAIN]), page.records)
    assert msgspec.json.encode([*only_header]) == msgspec.json.encode(
        one_by_one(body([{**PLAIN} for _ in rows]))
    )


@pytest.mark.parametrize(
    ("collection", "address"),
    [([LINE], None), ({"results": [LINE]}, None), ({"results": [LINE], "__next": NEXT}, NEXT)],
)
def test_a_collection_comes_in_every_form(collection: Any, address: str | None) -> None:
    page = expanding(with_lines(collection)).decode(body([with_lines(collection)]))
    assert page is not None
    lines = page.records[0]["Lines"]
    assert isinstance(lines, RecordPage)
    assert [*map(as_row, lines.records)] == [{**LINE, "Code": "10", "Timestamp": 4100307598}]
    assert lines.next_address == address


@pytest.mark.parametrize(
    "collection",
    [None, 5, {"__deferred": {"uri": "https://x"}}, [5], [{**LINE, "New": 1}], [{"ID": "x"}]],
)
def test_a_page_with_other_collections_is_left_to_the_rows(collection: Any) -> None:
    made = expanding(with_lines([LINE]))
    assert made.decode(body([with_lines([LINE])]))
    assert made.decode(body([with_lines([LINE]), with_lines(collection)])) is None
    assert expanding(with_lines(collection)).decode(body([with_lines(collection)])) is None


def test_lines_are_expected_as_before_after_a_page_without_any() -> None:
    made = expanding(with_lines([LINE]))
    made.expect([with_lines([])])
    assert made.decode(body([with_lines([LINE])]))


def test_a_record_without_other_columns_is_its_own_projection() -> None:
    page = decoder().decode(body([ROW]))
    assert page is not None
    record = page.records[0]
    assert projection([*PLAIN])(record) is record
    assert as_row(projection(["ID", "Division"])(record)) == {"ID": ROW["ID"], "Division": 1}
