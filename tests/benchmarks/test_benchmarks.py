"""The benchmarks run: once each with tiny numbers, so that what they say can be relied on."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
from defusedxml import ElementTree

from benchmarks import (
    chart,
    day,
    divisions,
    importing,
    loads,
    machines,
    office,
    posting,
    startup,
    throughput,
    warehouse,
    writing,
)
from benchmarks.__main__ import BENCHMARKS, compared, page, write
from benchmarks.arena import CHECKOUT, measured, programs_of
from benchmarks.report import Table, shown

if TYPE_CHECKING:
    from pathlib import Path

TABLE = Table(
    "calls", "Calls & more", "Said.", ("tap", "calls"), [("a", 10), ("<b>", 2500)], drawn="calls"
)


def column(table: Table, name: str) -> dict[str, Any]:
    """A column by the row's first value."""
    place = table.columns.index(name)
    return {str(row[0]): row[place] for row in table.rows}


@pytest.mark.slow
def test_calls() -> None:
    found = column(loads.calls(invoices=200, lines=1), "calls")
    assert found == {"fewest possible": 1, "this tap": 3, "one call a parent": 204}


@pytest.mark.slow
def test_memory() -> None:
    table = loads.memory([10], lines=2)
    assert [row[0] for row in table.rows] == ["30"]
    assert column(table, "peak MB")["30"] > 10


@pytest.mark.slow
def test_throughput() -> None:
    table = throughput.measure(invoices=20, times=1, foreign=False)
    assert {*column(table, "side")} == {"this tap", "plain SDK RESTStream", "(download alone)"}
    assert column(table, "to the RESTStream")["plain SDK RESTStream"] == 1


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_warehouse() -> None:
    settings = {name: warehouse.SETTINGS[name] for name in ("as installed", "both")}
    table = warehouse.measure(rows=50, divisions=(2,), settings=settings)
    assert [row[:3] for row in table.rows] == [
        (columns, 2, name) for columns in ("few", "all") for name in settings
    ]
    assert all(row[-1] for row in table.rows)


@pytest.mark.slow
def test_divisions() -> None:
    table = divisions.measure(divisions=2, streams=2, latency=0.01, side_by_side=(1,))
    (row,) = table.rows
    assert row[table.columns.index("calls")] == 7, "the log and two lists each, and the divisions"


@pytest.mark.slow
def test_office() -> None:
    table = office.measure(divisions=2)
    assert {*column(table, "run")} == {"first load", "nothing has changed"}
    calls, states = column(table, "calls"), column(table, "states")
    assert calls["nothing has changed"] <= calls["first load"]
    assert all(states.values())
    assert column(table, "records")["nothing has changed"] < column(table, "records")["first load"]


@pytest.mark.slow
def test_machines() -> None:
    table = machines.measure(divisions=4, streams=2, programs=(1, 2))
    assert [row[0] for row in table.rows] == [1, 2]
    assert {*column(table, "refused").values()} == {0}
    assert all(column(table, "connections at most").values())
    assert all(number > 0 for number in column(table, "transactions a call").values())


@pytest.mark.slow
def test_writing() -> None:
    table = writing.measure(invoices=3, speed=60)
    assert column(table, "429 answers") == {"new": 0, "the same again": 0}
    assert column(table, "calls each")["new"] >= 1
    assert column(table, "calls each")["the same again"] < 1


@pytest.mark.slow
def test_posting() -> None:
    table = posting.measure(invoices=5)
    assert column(table, "at least") == {"new": posting.LIMIT, "the same again": None}
    assert all(number > 0 for number in column(table, "invoices a CPU second").values())


@pytest.mark.slow
def test_importing() -> None:
    table = importing.measure(sizes=(20, 40))
    assert [row[1] for row in table.rows] == [20, 40] * 4
    assert {row[table.columns.index("to the first")] for row in table.rows[::2]} == {1}
    assert all(row[table.columns.index("calls")] for row in table.rows)


@pytest.mark.slow
@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_day(store: str) -> None:
    daily_limit = 150
    table = day.measure(minutes=10, speed=40, daily_limit=daily_limit, stores=[store])
    assert column(table, "store") == {"3 of ours": store, "3 of ours and a foreign one": store}
    assert column(table, "calls")["3 of ours"] > daily_limit, "the day has turned"
    assert column(table, "calls of the other")["3 of ours and a foreign one"] >= day.BURST
    assert column(table, "429 answers")["3 of ours"] == 0
    assert column(table, "429 answers a minute")["3 of ours and a foreign one"] <= 1


@pytest.mark.slow
def test_startup() -> None:
    table = startup.measure()
    assert all(seconds > 0 for seconds in column(table, "seconds").values())
    limits = {name for name, limit in column(table, "limit").items() if limit}
    assert limits == {*startup.LIMITS}
    cpu_seconds = column(table, "CPU seconds")
    assert 0 < cpu_seconds["exactonline --help"] < cpu_seconds[startup.SDK]


def test_each_benchmark_is_named_as_its_table() -> None:
    assert {*BENCHMARKS} == {
        "calls", "throughput", "warehouse", "divisions", "office", "machines", "writing", "posting",
        "day", "importing", "memory", "startup",
    }  # fmt: skip


def test_the_page_and_its_pictures(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    write([TABLE], tmp_path)
    text = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    assert "| <b> | 2,500 |" in text
    assert "![Calls & more](images/benchmark-calls.svg)" in text
    picture = ElementTree.fromstring(
        (tmp_path / "images" / "benchmark-calls.svg").read_text("utf-8")
    )
    widths = [
        int(bar.attrib["width"]) for bar in picture if "rect" in bar.tag and "x" in bar.attrib
    ]
    assert widths == [1, 350]


def test_a_section_is_replaced_in_its_place() -> None:
    first = page("", {"One": "1", "Two": "2\n"})
    assert first.startswith("# Benchmarks\n")
    assert first.endswith("\n\n## One\n\n1\n\n## Two\n\n2\n")
    again = page(first, {"One": "new", "Three": "3"})
    assert again.endswith("\n\n## One\n\nnew\n\n## Two\n\n2\n\n## Three\n\n3\n")
    assert page(again, {}) == again


def test_an_earlier_version_is_shown_beside() -> None:
    columns = ("tap", "calls", "seconds", "limit")
    ours = Table("x", "X", "Said.", columns, [("a", 3, 1.5, 9)], compared=("calls", "seconds"))
    theirs = Table("x", "X", "Said.", columns, [("a", 5, 2.5, 9)], compared=("calls", "seconds"))
    beside = ours.beside(theirs)
    assert beside.columns == ("tap", "calls", "calls before", "seconds", "seconds before", "limit")
    assert beside.rows == [("a", 3, 5, 1.5, 2.5, 9)]


def test_short_programs_are_measured_in_turns(tmp_path: Path) -> None:
    sides: list[Path | None] = []

    def measure() -> Table:
        sides.append(CHECKOUT.get())
        return Table("x", "X", "Said.", ("tap", "s", "limit"), [("a", 2.0 ** len(sides), None)],
                     compared=("s",))  # fmt: skip

    table = compared(measure, tmp_path, times=3)
    assert sides == [None, tmp_path] * 3
    assert table.columns == ("tap", "s", "s before", "limit")
    assert table.rows == [("a", 8.0, 16.0, None)]
    assert compared(measure, None).rows == [("a", 2.0**7, None)]


def test_the_programs_of_another_checkout_are_measured(tmp_path: Path) -> None:
    (tmp_path / "benchmarks.py").write_text("print('theirs')", encoding="utf-8")
    with programs_of(tmp_path):
        measured((sys.executable, "-m", "benchmarks"), tmp_path / "said")
    assert (tmp_path / "said").read_text(encoding="utf-8") == "theirs\n"


def test_a_table_without_a_picture(tmp_path: Path) -> None:
    plain = Table("x", "X", "Said.", ("a",), [("b",)])
    assert chart.svg(plain) is None
    write([plain], tmp_path)
    assert "![" not in (tmp_path / "benchmarks.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (1234, "1,234"), (0.5, "0.50"), (1234.5, "1,234"), ("a", "a")],
)
def test_values_are_shown_for_people(value: Any, text: str) -> None:
    assert shown(value) == text
