"""Literals, addresses, and the types of the API's JSON."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from exactonline_client import catalogue
from exactonline_client.catalogue import Property
from exactonline_client.odata import decoding, literals
from exactonline_client.odata.query import SAFE, any_of, match_all, url

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
GUID = "a07b5588-4d7d-4872-88f9-30b2d256440d"


def decoded(value: object, edm: str, name: str = "Field", kind: str | None = None) -> Any:
    item = Property(name, edm, date=kind)
    return decoding.decoder([item], AMSTERDAM)({name: value})[name]


def stamp(year: int, *rest: int) -> str:
    """A wall time the way the API writes it."""
    wall = datetime(year, *rest, tzinfo=timezone.utc)  # type: ignore[arg-type,misc]
    return f"/Date({(wall - EPOCH) // timedelta(milliseconds=1)})/"


@pytest.mark.parametrize(
    ("value", "edm", "text"),
    [
        (GUID, "Edm.Guid", f"guid'{GUID}'"),
        ("VERKOOP", "Edm.String", "'VERKOOP'"),
        ("O'Neil's", "Edm.String", "'O''Neil''s'"),
        ("", "Edm.String", "''"),
        (8000, "Edm.String", "'8000'"),
        (5, "Edm.Int64", "5L"),
        (-3, "Edm.Int32", "-3"),
        (20, "Edm.Int16", "20"),
        (1, "Edm.Byte", "1"),
        (12.5, "Edm.Double", "12.5"),
        (True, "Edm.Boolean", "true"),
        (False, "Edm.Boolean", "false"),
        (None, "Edm.String", "null"),
        (None, "Edm.Guid", "null"),
        (date(2026, 6, 25), "Edm.DateTime", "datetime'2026-06-25T00:00:00'"),
        ("2026-06-25T10:00:00", "Edm.DateTime", "datetime'2026-06-25T10:00:00'"),
        (
            datetime(2026, 6, 25, 16, 31, 0, 220_000),  # noqa: DTZ001 - wall clock time
            "Edm.DateTime",
            "datetime'2026-06-25T16:31:00.220'",
        ),
    ],
)
def test_literals(value: object, edm: str, text: str) -> None:
    assert literals.literal(value, edm) == text


@pytest.mark.parametrize(
    ("moment", "wall"),
    [
        (datetime(2026, 6, 25, 14, 31, tzinfo=timezone.utc), "2026-06-25T16:31:00.000"),
        (datetime(2026, 1, 25, 14, 31, tzinfo=timezone.utc), "2026-01-25T15:31:00.000"),
        (datetime(2026, 6, 30, 22, 30, tzinfo=timezone.utc), "2026-07-01T00:30:00.000"),
        (
            datetime(2026, 6, 25, 15, 31, tzinfo=ZoneInfo("Europe/London")),
            "2026-06-25T16:31:00.000",
        ),
    ],
)
def test_moments_are_written_on_the_servers_clock(moment: datetime, wall: str) -> None:
    assert literals.literal(moment, "Edm.DateTime", AMSTERDAM) == f"datetime'{wall}'"


def test_a_moment_is_never_written_on_an_unknown_clock() -> None:
    with pytest.raises(ValueError, match="clock"):
        literals.literal(EPOCH, "Edm.DateTime")


def test_addresses_are_encoded() -> None:
    text = "Jansen & Zn. + 'Café' 100% #1 ?=€"
    address = url("/api/v1/1/crm/Accounts", {"$filter": f"Name eq {text}", "$top": "5"})
    assert address == (
        "/api/v1/1/crm/Accounts?$filter=Name%20eq%20Jansen%20%26%20Zn.%20%2B%20'Caf%C3%A9'%20100%25"
        "%20%231%20%3F%3D%E2%82%AC&$top=5"
    )


@given(text=st.text(min_size=1))
def test_any_text_in_an_address_comes_out_as_it_went_in(text: str) -> None:
    assume(not any("\ud800" <= letter <= "\udfff" for letter in text))
    address = url("/path", {"$filter": text, "$select": "ID"})
    assert address.isascii()
    assert " " not in address
    query = parse_qs(urlsplit(address).query, keep_blank_values=True, strict_parsing=True)
    assert query == {"$filter": [text], "$select": ["ID"]}


@given(
    st.lists(st.uuids(), max_size=400, unique=True),
    st.integers(-5, 6000),
    st.none() | st.integers(1, 60),
    st.sampled_from(["", SAFE]),
)
def test_filters_for_many_values_fit_and_none_is_lost(
    ids: list[Any], room: int, most: int | None, safe: str
) -> None:
    terms = [f"ID eq guid'{id_}'" for id_ in ids]
    found = list(any_of("ID", "Edm.Guid", ids, room, most=most, safe=safe))
    assert [term for text in found for term in text.split(" or ")] == terms
    for text in found:
        assert len(quote(text, safe=safe)) <= max(room, 80)
        assert len(text.split(" or ")) <= (most or len(ids))


def test_a_filter_for_all_rows_is_on_what_may_be_filtered() -> None:
    endpoints = catalogue.load().endpoints
    assert match_all(endpoints["crm/Accounts"], 1) == f"ID ne guid'{literals.EMPTY_GUID}'"
    for endpoint in endpoints.values():
        if endpoint.filter_fields and (condition := match_all(endpoint, 1)):
            assert condition.split(" ")[0] in endpoint.filter_fields


def test_options_without_a_value_are_left_out() -> None:
    assert url("/path", {"$filter": None, "$select": ""}) == "/path"
    assert url("/path", {}) == "/path"
    assert url("/path", {"$filter": None, "$top": "1"}) == "/path?$top=1"


@pytest.mark.parametrize(
    ("value", "edm", "expected"),
    [
        ("128", "Edm.Int64", 128),
        ("-9223372036854775808", "Edm.Int64", -(2**63)),
        (128, "Edm.Int64", 128),
        (3, "Edm.Int32", 3),
        (3.0, "Edm.Int32", 3),
        (20, "Edm.Int16", 20),
        (255, "Edm.Byte", 255),
        (316.5, "Edm.Double", 316.5),
        (300, "Edm.Double", 300),
        ("12.30", "Edm.Decimal", 12.3),
        (0.1, "Edm.Double", 0.1),
        (True, "Edm.Boolean", True),
        (False, "Edm.Boolean", False),
        (1, "Edm.Boolean", True),
        (0, "Edm.Boolean", False),
        (GUID, "Edm.Guid", GUID),
        (" text with its spaces ", "Edm.String", " text with its spaces "),
        ("aGFsbG8=", "Edm.Binary", "aGFsbG8="),
    ],
    ids=repr,
)
def test_values_become_plain_types(value: object, edm: str, expected: object) -> None:
    result = decoded(value, edm)
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("Code", "           1265594", "1265594"),
        ("AccountCode", "                 1", "1"),
        ("VATCode", "VB ", "VB"),
        ("Country", "FR ", "FR"),
        ("Unit", "pc      ", "pc"),
        ("Language", "NL        ", "NL"),
        ("AccountCountry", "FR ", "FR"),
        ("BankAccountCountry", "FR ", "FR"),
        ("CountryOfOrigin", "FR ", "FR"),
        ("SalesVatCode", "VB ", "VB"),
        ("InvoicePeriodUnit", "mm      ", "mm"),
        ("Costunit", "KD1     ", "KD1"),
        ("Unitcode", "pc      ", "pc"),
        ("IncotermCodeSales", "DAP ", "DAP"),
        ("CountryName", " as written", " as written"),
        ("UnitDescription", "as written ", "as written "),
        ("Postcode", " 1234 AB ", " 1234 AB "),
        ("ItemBarcode", " 87 ", " 87 "),
        ("Searchcode", " as written ", " as written "),
        ("SearchCode", " as written ", " as written "),
        ("Description", "  as written ", "  as written "),
        ("Notes", "", ""),
    ],
)
def test_padded_codes_are_trimmed_and_texts_are_not(name: str, value: str, code: str) -> None:
    assert decoded(value, "Edm.String", name) == code


@pytest.mark.parametrize(
    ("wall", "moment"),
    [
        pytest.param(
            "/Date(1782405060220)/", "2026-06-25T14:31:00.220+00:00", id="a recorded summer day"
        ),
        pytest.param(stamp(2026, 1, 25, 12), "2026-01-25T11:00:00.000+00:00", id="winter"),
        pytest.param(stamp(2026, 1, 1), "2025-12-31T23:00:00.000+00:00", id="new year"),
        pytest.param(
            stamp(2026, 3, 29, 1, 59), "2026-03-29T00:59:00.000+00:00", id="before spring"
        ),
        pytest.param(stamp(2026, 3, 29, 2, 30), "2026-03-29T01:30:00.000+00:00", id="never shown"),
        pytest.param(stamp(2026, 3, 29, 3), "2026-03-29T01:00:00.000+00:00", id="spring"),
        pytest.param(
            stamp(2026, 10, 25, 1, 59), "2026-10-24T23:59:00.000+00:00", id="before autumn"
        ),
        pytest.param(stamp(2026, 10, 25, 2, 30), "2026-10-25T00:30:00.000+00:00", id="shown twice"),
        pytest.param(stamp(2026, 10, 25, 3), "2026-10-25T02:00:00.000+00:00", id="autumn"),
        pytest.param("/Date(-1)/", "1969-12-31T22:59:59.999+00:00", id="negative"),
        pytest.param("/Date(0)/", "1969-12-31T23:00:00.000+00:00", id="zero"),
        pytest.param(
            "/Date(1782405060220+0200)/", "2026-06-25T14:31:00.220+00:00", id="with an offset"
        ),
        pytest.param("2026-06-25T16:30:59", "2026-06-25T14:30:59.000+00:00", id="plain text"),
        pytest.param("/Date(-62135596800000)/", "0001-01-01T00:00:00.000+00:00", id="first day"),
        pytest.param(stamp(2099, 7, 1), "2099-06-30T22:00:00.000+00:00", id="far ahead"),
    ],
)
def test_moments_become_utc(wall: str, moment: str) -> None:
    assert decoded(wall, "Edm.DateTime", kind="instant") == moment


@given(day=st.dates(), seconds=st.integers(0, 86_399))
@example(day=date(2026, 3, 29), seconds=9_000)
@example(day=date(2026, 10, 25), seconds=9_000)
@example(day=date.min, seconds=0)
@example(day=date.max, seconds=86_399)
def test_pure_dates_never_shift(day: date, seconds: int) -> None:
    milliseconds = (day - date(1970, 1, 1)).days * 86_400_000 + seconds * 1_000
    assert decoded(f"/Date({milliseconds})/", "Edm.DateTime", kind="date") == day.isoformat()


@given(
    moment=st.datetimes(
        datetime(1950, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
        datetime(2100, 1, 1),  # noqa: DTZ001
        timezones=st.just(timezone.utc),
    ),
    zone=st.sampled_from([AMSTERDAM, ZoneInfo("Europe/London"), ZoneInfo("UTC")]),
)
def test_a_moment_survives_the_way_to_the_server_and_back(moment: datetime, zone: ZoneInfo) -> None:
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    assume(moment.astimezone(zone).fold == 0)  # the second showing of a wall time is lost
    literal = literals.literal(moment, "Edm.DateTime", zone)
    shown = datetime.fromisoformat(literal.removeprefix("datetime'").removesuffix("'"))
    milliseconds = (shown.replace(tzinfo=timezone.utc) - EPOCH) // timedelta(milliseconds=1)
    decode = decoding.decoder([Property("Modified", "Edm.DateTime", date="instant")], zone)
    assert datetime.fromisoformat(decode({"Modified": f"/Date({milliseconds})/"})["Modified"]) == (
        moment
    )


@pytest.mark.parametrize(
    ("value", "edm"),
    [
        (value, edm)
        for edm, values in {
            "Edm.Int64": ["many", "1.5", True, 1.5, [], {}, float("nan")],
            "Edm.Int32": ["", True, 0.1, [1]],
            "Edm.Double": ["much", False, [], {}, float("nan"), float("inf"), "NaN", 10**400],
            "Edm.Boolean": ["true", 2, -1, [], {}],
            "Edm.String": [1, 1.5, True, [], {"__deferred": {}}],
            "Edm.Guid": [0, {}],
            "Edm.Binary": [0, []],
            "Edm.DateTime": [
                "",
                "yesterday",
                "/Date()/",
                "/Date(1.5)/",
                "/Date(99999999999999999999)/",
                1782405060220,
                True,
                {},
            ],
        }.items()
        for value in values
    ],
    ids=lambda value: repr(value)[:40],
)
@pytest.mark.parametrize("kind", ["instant", "date"])
def test_a_wrong_type_names_the_property_and_never_the_value(
    value: object, edm: str, kind: str
) -> None:
    with pytest.raises(decoding.WrongType) as caught:
        decoded(value, edm, "TheName", kind)
    assert caught.value.name == "TheName"
    assert str(caught.value) == f"TheName should be {edm}, but is {type(value).__name__}"


def test_a_code_of_a_wrong_type_is_told_too() -> None:
    with pytest.raises(decoding.WrongType, match=r"VATCode should be Edm\.String"):
        decoded(4, "Edm.String", "VATCode")


def test_a_plain_moment_with_a_zone_is_not_taken_for_wall_time() -> None:
    with pytest.raises(decoding.WrongType):
        decoded("2026-06-25T16:30:59+02:00", "Edm.DateTime", kind="instant")


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text()
    | st.from_regex(decoding.DATE, fullmatch=True)
    | st.sampled_from(["/Date(253402300800000)/", "NaN", "1e999", "9" * 5000, 10**400]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=3,
)
KINDS = [
    *(Property("Field", edm) for edm in ("Edm.Guid", "Edm.String", "Edm.Binary", "Edm.Boolean")),
    *(Property("Field", edm) for edm in sorted(literals.INTEGERS | literals.NUMBERS)),
    Property("Field", "Edm.DateTime", date="instant"),
    Property("Field", "Edm.DateTime", date="date"),
    Property("VATCode", "Edm.String"),
]


@pytest.mark.parametrize("item", KINDS, ids=lambda item: f"{item.name} {item.type} {item.date}")
@given(value=ANYTHING, more=st.none() | st.integers() | st.floats() | st.text())
@settings(max_examples=60)
def test_any_value_in_any_column_gives_what_every_target_takes(
    item: Property, value: object, more: object
) -> None:
    """As the value of its column, or as null where it is none; and the column beside it too."""
    beside = Property("Beside", item.type, date=item.date)
    wrong: list[decoding.WrongType] = []
    decode = decoding.decoder([item, beside], AMSTERDAM, wrong.append)
    row = decode({item.name: value, "Beside": more})
    text = json.dumps(row, allow_nan=False)
    assert json.loads(msgspec.json.encode(row)) == json.loads(text)
    for given_value, found in ((value, row[item.name]), (more, row["Beside"])):
        named = {error.name for error in wrong}
        assert found is not None or given_value is None or named
        if item.type in literals.INTEGERS:
            assert found is None or -(2**63) <= found < 2**63
        if item.type in literals.NUMBERS:
            assert found is None or isinstance(found, float) or abs(found) < 2**63


def test_a_row_is_projected_onto_the_properties_in_their_order() -> None:
    decode = decoding.decoder([Property("B", "Edm.Int32"), Property("A", "Edm.String")], AMSTERDAM)
    row = {"A": "x", "__metadata": {"uri": "..."}, "Unknown": 1}
    assert list(decode(row).items()) == [("B", None), ("A", "x")]
    assert row == {"A": "x", "__metadata": {"uri": "..."}, "Unknown": 1}


def test_what_a_row_lacks_is_none() -> None:
    columns = [Property("Name", "Edm.String"), Property("Rate", "Edm.Double")]
    assert decoding.decoder(columns, AMSTERDAM)({"Name": "a"}) == {"Name": "a", "Rate": None}
    assert decoding.decoder(columns[:1], AMSTERDAM)({"Rate": 1}) == {"Name": None}
    assert decoding.decoder([], AMSTERDAM)({"Rate": 1}) == {}


@given(
    st.integers(min_value=-62_135_596_800_000, max_value=253_402_300_799_999)
    | st.integers(min_value=1_711_843_200_000, max_value=1_711_857_600_000)
    | st.integers(min_value=-1_200_000_000_000, max_value=-1_000_000_000_000),
    st.sampled_from(["Europe/Amsterdam", "Europe/London", "Asia/Kolkata", "Australia/Lord_Howe"]),
)
@example(1_712_416_000_000, "Australia/Lord_Howe")  # its clock is changed by half an hour
@example(1_712_416_000_000 - 1_800_000, "Australia/Lord_Howe")
def test_points_in_time_are_read_by_the_hour_as_by_themselves(number: int, zone: str) -> None:
    column = Property("Modified", "Edm.DateTime", date="instant")
    read = decoding.decoder([column], ZoneInfo(zone))({"Modified": f"/Date({number})/"})
    by_itself = decoding.instant(number, ZoneInfo(zone)).isoformat(timespec="milliseconds")
    assert read == {"Modified": by_itself}
