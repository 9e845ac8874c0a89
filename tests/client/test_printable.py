"""What others say is shown, and not obeyed, wherever it may come out."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
import textwrap
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exactonline_client import redaction
from exactonline_client.errors import RequestRefused
from exactonline_client.printable import one_line, printable

ATTACK = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202egnp.exe\r"
SHOWN = r"\u001b]0;owned\u0007\u001b[2J\u009b31m\u202egnp.exe\u000d"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (ATTACK, SHOWN),
        ("Café\t't Hoekje\n€ 5", "Café\t't Hoekje\n€ 5"),
        ("half \ud800", r"half \ud800"),
        ("a\u2028b\x85c", r"a\u2028b\u0085c"),
    ],
)
def test_what_a_terminal_obeys_is_written_out(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_a_line_of_others_stays_within_ours() -> None:
    assert one_line("no\r\n2026-01-01 ERROR all lost\n") == r"no\n2026-01-01 ERROR all lost\n"


@given(st.text())
def test_json_stays_json(text: str) -> None:
    shown = printable(json.dumps(text, ensure_ascii=False))
    assert json.loads(shown) == text
    assert all(char.isprintable() or char in "\n\t" or ord(char) > 0x9F for char in shown)


def test_an_error_shows_what_it_quotes() -> None:
    error = RequestRefused(f"refused: {ATTACK}.\nmore", status=400, reason=ATTACK)
    assert str(error) == rf"refused: {SHOWN}.\nmore"
    assert error.reason == SHOWN


class TestLogs:
    @pytest.fixture
    def stream(self) -> Any:
        redactor = redaction.Redactor(logging.LogRecord)
        former = logging.getLogRecordFactory()
        logging.setLogRecordFactory(redactor)
        stream = io.StringIO()
        handler = logging.StreamHandler(stream)
        logger = logging.getLogger("tests.printable")
        logger.addHandler(handler)
        yield stream
        logger.removeHandler(handler)
        logging.setLogRecordFactory(former)

    def test_a_message_is_one_line(self, stream: io.StringIO) -> None:
        logging.getLogger("tests.printable").warning("record %s: %s", "A\nB", ATTACK)
        assert stream.getvalue() == f"record A\\nB: {SHOWN}\n"

    def test_a_traceback_keeps_its_lines(self, stream: io.StringIO) -> None:
        nothing: dict[str, str] = {}
        try:
            nothing[ATTACK]
        except KeyError:
            logging.getLogger("tests.printable").exception("failed")
        text = stream.getvalue()
        assert text.startswith("failed\nTraceback")
        assert "KeyError: " in text
        assert "\x1b" not in text


def test_standard_error_of_a_guarded_program() -> None:
    code = """
        import sys
        from exactonline_client import redaction
        redaction.install()
        attack = sys.argv[1]
        print(attack, "é", file=sys.stderr)
        raise ValueError(attack)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), ATTACK],
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        check=False,
        env={"PYTHONIOENCODING": "utf-8"},
    )
    assert done.stderr.startswith(f"{SHOWN} é\n")
    assert f"ValueError: {SHOWN}" in done.stderr
    assert "\x1b" not in done.stderr
