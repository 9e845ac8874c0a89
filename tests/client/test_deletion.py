"""Marks of deletion, and the moments that they are made of."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from exactonline_client.deletion import Mark, mark_of
from exactonline_client.odata.timestamps import parse_timestamp


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2026-06-25", "2026-06-25"),
        ("2026-06-25T10:00", "2026-06-25T10:00:00"),
        (" 2026-06-25 10:00:00 ", "2026-06-25T10:00:00"),
        ("2026-06-25T10:00:00.5Z", "2026-06-25T10:00:00.500000+00:00"),
        ("2026-06-25 10:00:00.1234567 +02:00", "2026-06-25T10:00:00.123456+02:00"),
        ("2026-06-25 10:00:00+02", "2026-06-25T10:00:00+02:00"),
        ("2026-06-25t10:00:00+0200", "2026-06-25T10:00:00+02:00"),
        ("2026-06-25 10:00:00 UTC", "2026-06-25T10:00:00+00:00"),
        # The tap of MySQL writes its offset twice.
        ("2026-06-25T10:00:00+00:00+00:00", "2026-06-25T10:00:00+00:00"),
    ],
)
def test_moments_come_in_the_forms_of_databases(text: str, read: str) -> None:
    assert parse_timestamp(text).isoformat() == read


@pytest.mark.parametrize(
    "text",
    [
        "", "now", "2026-02-30", "2026-06-25T25:00:00", "20260625", "2026-W26-4", "25-06-2026",
        "2026-06-25T10", "2026-06-25T10:00:00+25:00", "\u0662\u0660\u0662\u0666-06-25",
        "2026-06-25T10:00:00+02:00+02:00",
    ],
)  # fmt: skip
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"moment|month|day|hour|offset"):
        parse_timestamp(text)


@pytest.mark.parametrize(
    "value", [None, "", "  ", "\u00a0", False, 0, 0.0, Decimal(0), "false", "False ", " 0"]
)
def test_what_is_empty_or_false_is_alive(value: Any) -> None:
    assert mark_of({"_sdc_deleted_at": value}) is Mark.ALIVE


@pytest.mark.parametrize(
    "value",
    ["2026-06-25", "2026-06-25T10:00:00Z", " 2026-06-25 10:00:00.5+02 ", date(2026, 6, 25)],
)
def test_a_moment_is_deleted(value: Any) -> None:
    assert mark_of({"_sdc_deleted_at": value}) is Mark.DELETED
    assert mark_of({"_SDC_DELETED_AT": value}) is Mark.DELETED


@pytest.mark.parametrize(
    "value",
    [
        True, "true", 1, " 1", "yes", 1782405060, "NaT", "null", [], {}, "2026-02-30", "25-06-2026",
        # What programs write for no moment at all, and for one that never comes.
        "0001-01-01T00:00:00Z", "0000-00-00 00:00:00", "1970-01-01T00:00:00+00:00",
        "9999-12-31T23:59:59Z",
    ],
)  # fmt: skip
def test_anything_else_says_nothing_that_can_be_acted_on(value: Any) -> None:
    assert mark_of({"_sdc_deleted_at": value}) is Mark.UNCLEAR
    both = {"_sdc_deleted_at": "2026-06-25", "_SDC_DELETED_AT": value}
    assert mark_of(both) is Mark.UNCLEAR


def test_a_record_without_a_mark_is_alive() -> None:
    assert mark_of({"deleted_at": "2026-06-25", "_sdc_extracted_at": "2026-06-25"}) is Mark.ALIVE
