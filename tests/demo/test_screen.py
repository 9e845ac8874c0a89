"""What the demo shows: steps, tables that add up, and what is running."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from demo.screen import Screen


def screen(*, terminal: bool = False) -> tuple[Screen, io.StringIO]:
    output = io.StringIO()
    console = Console(file=output, width=60, force_terminal=terminal, no_color=True)
    return Screen(console, 3), output


def test_steps_are_counted() -> None:
    made, output = screen()
    made.step("First")
    made.step("Second", "meltano run")
    assert [line.strip("─ ") for line in output.getvalue().splitlines()] == [
        "1/3  First",
        "2/3  Second",
        "$ meltano run",
    ]


def test_a_table_adds_up_and_its_numbers_end_below_each_other() -> None:
    made, output = screen()
    made.table(("stream", "new", "gone"), [("accounts", (1200, 0)), ("items", (34, 5))])
    rows = [line.split("│")[1:-1] for line in output.getvalue().splitlines() if "│" in line]
    assert [[cell.strip() for cell in row] for row in rows] == [
        ["accounts", "1,200", "0"],
        ["items", "34", "5"],
        ["total", "1,234", "5"],
    ]
    assert all(row[1].endswith(f"{row[1].strip()} ") for row in rows)


def test_a_table_of_one_row_or_none_has_no_total() -> None:
    made, output = screen()
    made.table(("stream", "new"), [("accounts", (1,))])
    made.table(("stream", "new"), [])
    assert "total" not in output.getvalue()


@pytest.mark.parametrize("terminal", [False, True])
def test_what_is_running_is_a_line_or_a_spinner_with_seconds(*, terminal: bool) -> None:
    made, output = screen(terminal=terminal)
    with made.working("Reading"):
        pass
    shown = output.getvalue()
    if terminal:
        assert "0:00:00" in shown
        assert shown.endswith("\x1b[2K"), "it leaves no line behind"
    else:
        assert shown == "Reading ...\n"
