"""Numbers as people write them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_exactonline.schema.numbers import COMMA, POINT, Reading, parse, reading

CENTS = st.decimals(min_value=-(10**9), max_value=10**9, places=2, allow_nan=False)


def dutch(number: Decimal) -> str:
    return f"{number:,.2f}".replace(",", "_").replace(".", ",").replace("_", ".")


@pytest.mark.parametrize(
    ("text", "mark", "number"),
    [
        ("12,50", COMMA, "12.50"),
        ("12.50", POINT, "12.50"),
        ("1.234,5", COMMA, "1234.5"),
        ("1,234.5", POINT, "1234.5"),
        ("1 234,5", COMMA, "1234.5"),
        ("1\u00a0234,5", COMMA, "1234.5"),
        ("1\u202f234\u202f567,5", COMMA, "1234567.5"),
        ("1'234.5", POINT, "1234.5"),
        ("€ 12,50", COMMA, "12.50"),
        ("12,50 EUR", COMMA, "12.50"),
        ("€ -12,50", COMMA, "-12.50"),
        ("-€ 12,50", COMMA, "-12.50"),
        ("12,50-", COMMA, "-12.50"),
        ("(12,50)", COMMA, "-12.50"),
        ("\u22125", POINT, "-5"),
        ("+5", POINT, "5"),
        ("12,-", COMMA, "12"),
        ("€ 1.200,-", COMMA, "1200"),
        ("21 %", POINT, "21"),
        (",5", COMMA, "0.5"),
        ("007", POINT, "7"),
        ("0,125", COMMA, "0.125"),
    ],
)
def test_a_number_is_read(text: str, mark: str, number: str) -> None:
    assert parse(text, mark) == Decimal(number)


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("12,50", POINT),
        ("12.50", COMMA),
        ("1.23,5", COMMA),
        ("0.125", COMMA),
        ("1.234 567", COMMA),
        ("12a", POINT),
        ("18,4O", COMMA),
        ("", POINT),
        ("-", POINT),
        ("€", POINT),
        (",", COMMA),
        ("1,5,5", COMMA),
        ("1E3", POINT),
        ("٣", POINT),
        ("9" * 40, POINT),
    ],
)
def test_what_is_none_is_refused(text: str, mark: str) -> None:
    assert parse(text, mark) is None


@given(CENTS)
def test_what_is_written_the_dutch_way_is_read_back(number: Decimal) -> None:
    assert parse(dutch(number), COMMA) == number


@given(CENTS)
def test_what_is_written_the_english_way_is_read_back(number: Decimal) -> None:
    assert parse(f"{number:,.2f}", POINT) == number


@given(st.text(), st.sampled_from([POINT, COMMA]))
def test_no_text_breaks_it(text: str, mark: str) -> None:
    found = parse(text, mark)
    assert found is None or found.is_finite()


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["1,5", "10"], Reading(COMMA)),
        (["1.5", "10"], Reading(POINT)),
        (["10", "20"], Reading(POINT)),
        (["1.250", "2.500"], Reading(None, "1.250")),
        (["1,250"], Reading(None, "1,250")),
        (["1.250", "2,5"], Reading(COMMA)),
        (["1.250", "2.5"], Reading(POINT)),
        (["0.125"], Reading(POINT)),
        (["1,5", "1.5"], Reading(None, "1.5")),
        (["twee", "1,5"], Reading(COMMA)),
        ([], Reading(POINT)),
    ],
)
def test_a_column_has_one_mark_or_is_open(texts: list[str], expected: Reading) -> None:
    assert reading(texts) == expected


@given(st.lists(CENTS, min_size=1))
def test_a_column_is_never_read_with_a_mark_that_changes_a_number(numbers: list[Decimal]) -> None:
    texts = [dutch(number) for number in numbers]
    found = reading(texts)
    if found.mark is not None:
        assert [parse(text, found.mark) for text in texts] == numbers
