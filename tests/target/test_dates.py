"""Dates as people write them."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_exactonline.schema.dates import (
    DAY_FIRST,
    ISO,
    MONTH_FIRST,
    NotADate,
    Reading,
    parse,
    reading,
    serial,
)

DAYS = st.dates(date(2000, 1, 1), date(2099, 12, 31))


@pytest.mark.parametrize(
    ("text", "order", "day"),
    [
        ("2026-11-28", ISO, "2026-11-28"),
        ("2026/11/28", ISO, "2026-11-28"),
        ("2026.1.8", ISO, "2026-01-08"),
        ("20261128", DAY_FIRST, "2026-11-28"),
        ("2026-11-04 00:15:10 +0100", DAY_FIRST, "2026-11-04"),
        ("2026-11-04T23:59:59Z", DAY_FIRST, "2026-11-04"),
        ("28-11-2026", DAY_FIRST, "2026-11-28"),
        ("28/11/2026", DAY_FIRST, "2026-11-28"),
        ("28.11.2026", DAY_FIRST, "2026-11-28"),
        ("9/1/2026", DAY_FIRST, "2026-01-09"),
        ("9/1/2026", MONTH_FIRST, "2026-09-01"),
        ("11/28/2026 10:15:00 PM", MONTH_FIRST, "2026-11-28"),
        ("28-11-26", DAY_FIRST, "2026-11-28"),
        ("\u00a028-11-2026 ", DAY_FIRST, "2026-11-28"),
        ("46329", DAY_FIRST, "2026-11-03"),
    ],
)
def test_a_date_is_read(text: str, order: str, day: str) -> None:
    assert parse(text, order).isoformat() == day


@pytest.mark.parametrize(
    ("text", "order", "why"),
    [
        ("31-02-2026", DAY_FIRST, "does not exist"),
        ("2026-02-30", ISO, "does not exist"),
        ("29-02-2027", DAY_FIRST, "does not exist"),
        ("28-11-2026", ISO, "begins with its day or its month"),
        ("11/28/2026", DAY_FIRST, "has no month 28"),
        ("morgen", DAY_FIRST, "is not a date"),
        ("28-11", DAY_FIRST, "is not a date"),
        ("123", DAY_FIRST, "is not a date"),
        ("28-11/2026", DAY_FIRST, "is not a date"),
        ("00-11-2026", DAY_FIRST, "does not exist"),
    ],
)
def test_what_is_none_says_why(text: str, order: str, why: str) -> None:
    with pytest.raises(NotADate, match=why):
        parse(text, order)


@given(DAYS, st.sampled_from([DAY_FIRST, MONTH_FIRST]), st.sampled_from("-/."))
def test_every_day_is_read_back(day: date, order: str, sign: str) -> None:
    parts = [f"{day.day}", f"{day.month}", f"{day.year}"]
    if order == MONTH_FIRST:
        parts[:2] = parts[1::-1]
    assert parse(sign.join(parts), order) == day


@given(DAYS)
def test_a_serial_number_is_the_day_of_a_spreadsheet(day: date) -> None:
    number = (day - date(1899, 12, 30)).days
    assert serial(Decimal(number)) == day
    assert serial(Decimal(number) + Decimal("0.75")) == day
    assert serial(Decimal(f"{day:%Y%m%d}")) == day


@pytest.mark.parametrize("number", ["0", "1", "2026", "99999", "-46329", "20269999", "1e30"])
def test_other_numbers_are_no_days(number: str) -> None:
    with pytest.raises(NotADate):
        serial(Decimal(number))


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    with suppress(NotADate):
        assert isinstance(parse(text, DAY_FIRST), date)
    assert reading([text]).order in {DAY_FIRST, MONTH_FIRST, None}


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["28-11-2026", "01-02-2026"], Reading(DAY_FIRST)),
        (["11/28/2026", "01/02/2026"], Reading(MONTH_FIRST)),
        (["03/04/2026"], Reading(None, "03/04/2026")),
        (["11/11/2026"], Reading(DAY_FIRST)),
        (["2026-03-04"], Reading(DAY_FIRST)),
        (["31-02-2026"], Reading(DAY_FIRST)),
        (["28-11-2026", "11-28-2026"], Reading(None, "11-28-2026")),
        (["soon", "28-11-2026"], Reading(DAY_FIRST)),
        (["99-99-2026", "28-11-2026"], Reading(DAY_FIRST)),
    ],
)
def test_a_column_has_one_order_or_is_open(texts: list[str], expected: Reading) -> None:
    assert reading(texts) == expected


@given(st.lists(DAYS, min_size=1))
def test_a_column_is_never_read_in_an_order_that_changes_a_day(days: list[date]) -> None:
    texts = [f"{day:%d-%m-%Y}" for day in days]
    found = reading(texts)
    if found.order is not None:
        assert [parse(text, found.order) for text in texts] == days
    else:
        assert all(day <= day.replace(day=1) + timedelta(days=11) for day in days)
