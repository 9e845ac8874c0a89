"""Bodies of the real API, where a collection of them is at hand, decode to what they say."""

from __future__ import annotations

import json
import os
import re
from datetime import date, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from exactonline_client import catalogue
from exactonline_client.http import pagination
from exactonline_client.odata import decoding, literals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exactonline_client.catalogue import Endpoint

FOLDER = os.environ.get("RECORDED_BODIES", "")
ENDPOINTS = catalogue.load().endpoints
AMSTERDAM = ZoneInfo("Europe/Amsterdam")
DAY = 86_400_000
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Recording = dict[str, Any]


def recordings() -> dict[str, Recording]:
    """Every recorded call that was answered with JSON, by the name of its file."""
    paths = Path(FOLDER).glob("*.json") if FOLDER else ()
    files = {path.stem: json.loads(path.read_text("utf-8")) for path in paths}
    return {
        name: content
        for name, content in sorted(files.items())
        if isinstance(content.get("response"), dict) and content["response"].get("body")
    }


RECORDINGS = recordings()
pytestmark = pytest.mark.skipif(
    not RECORDINGS,
    reason="no recorded bodies of the real API here; name their folder in RECORDED_BODIES",
)


def endpoint_of(recording: Recording) -> Endpoint:
    match = re.fullmatch(r"/api/v1/(?:\d+/)?([\w/]+)(?:\(.*\))?", recording["request"]["path"])
    assert match is not None
    return ENDPOINTS[match[1]]


def is_list(recording: Recording) -> bool:
    content = recording["response"]["body"]["d"]
    return isinstance(content, list) or "results" in content


def rows_of(recording: Recording) -> list[decoding.Row]:
    body = recording["response"]["body"]
    return pagination.parse(json.dumps(body).encode()).rows if is_list(recording) else [body["d"]]


def with_children(endpoint: Endpoint, row: decoding.Row) -> Iterator[tuple[Endpoint, decoding.Row]]:
    """A row, and the rows of its expanded collections, each with the endpoint that lists it."""
    yield endpoint, row
    for name, item in endpoint.properties.items():
        value = row.get(name)
        if not item.navigation or value is None or "__deferred" in value:
            continue
        assert item.entity is not None
        for child in value["results"]:
            yield from with_children(ENDPOINTS[item.entity], child)


ROWS = [
    pytest.param(endpoint, row, id=f"{name}-{number}")
    for name, recording in RECORDINGS.items()
    for number, (endpoint, row) in enumerate(
        pair for top in rows_of(recording) for pair in with_children(endpoint_of(recording), top)
    )
]


def is_of_type(value: object, edm: str, kind: str | None) -> bool:
    if edm == "Edm.DateTime":
        text = str(value)
        day = kind == "date"
        moment = date.fromisoformat(text) if day else datetime.fromisoformat(text)
        return day or (isinstance(moment, datetime) and moment.tzinfo is not None)
    if edm == "Edm.Guid":
        return GUID.fullmatch(str(value)) is not None
    if edm in literals.INTEGERS:
        return type(value) is int
    if edm in literals.NUMBERS:
        return type(value) in (int, float)
    return isinstance(value, bool if edm == "Edm.Boolean" else str)


@pytest.mark.parametrize(("endpoint", "row"), ROWS)
def test_every_value_is_of_the_type_that_the_catalogue_says(
    endpoint: Endpoint, row: decoding.Row
) -> None:
    columns = endpoint.columns
    decoded = decoding.decoder(columns.values(), AMSTERDAM)(dict(row))
    sent = {name for name in columns if row.get(name) is not None}
    assert {name for name, value in decoded.items() if value is not None} == sent
    wrong = {
        name: decoded[name]
        for name in sent
        if not is_of_type(decoded[name], columns[name].type, columns[name].date)
    }
    assert not wrong


@pytest.mark.parametrize(("endpoint", "row"), ROWS)
def test_every_field_is_known(endpoint: Endpoint, row: decoding.Row) -> None:
    unknown = row.keys() - endpoint.properties.keys() - {"__metadata"}
    assert not unknown


@pytest.mark.parametrize(("endpoint", "row"), ROWS)
def test_days_are_sent_as_midnight(endpoint: Endpoint, row: decoding.Row) -> None:
    days = {name for name, item in endpoint.columns.items() if item.date == "date"}
    times = {
        name: row[name]
        for name in days & row.keys()
        if row[name] is not None and decoding.milliseconds(row[name]) % DAY
    }
    assert not times


@pytest.mark.parametrize(("endpoint", "row"), ROWS)
def test_no_padding_is_left_on_a_code(endpoint: Endpoint, row: decoding.Row) -> None:
    decoded = decoding.decoder(endpoint.columns.values(), AMSTERDAM)(dict(row))
    padded = {
        name: value
        for name, value in decoded.items()
        if isinstance(value, str) and value != value.strip()
    }
    assert not padded


def test_rows_keep_the_order_they_came_in() -> None:
    lists = [recording for recording in RECORDINGS.values() if is_list(recording)]
    for recording in lists:
        content = recording["response"]["body"]["d"]
        sent = content if isinstance(content, list) else content["results"]
        assert rows_of(recording) == sent
    # Lists come in the order of the database, which for GUIDs is not that of their text.
    orders = [[row["__metadata"]["uri"] for row in rows_of(recording)] for recording in lists]
    assert any(uris != sorted(uris) for uris in orders)


def test_a_row_made_just_now_carries_the_time_of_the_answer() -> None:
    recording = RECORDINGS["salesinvoice_post"]
    row = rows_of(recording)[0]
    decoded = decoding.decoder(endpoint_of(recording).columns.values(), AMSTERDAM)(dict(row))
    answered = parsedate_to_datetime(recording["response"]["date"])
    assert abs(answered - datetime.fromisoformat(decoded["Created"])) < timedelta(seconds=5)


def test_the_next_page_is_on_the_same_server_and_starts_somewhere() -> None:
    parsed = [
        pagination.parse(json.dumps(recording["response"]["body"]).encode())
        for recording in RECORDINGS.values()
        if is_list(recording)
    ]
    following = [page for page in parsed if page.next_address]
    assert following
    assert all(page.skiptoken and "guid'" in page.skiptoken for page in following)
