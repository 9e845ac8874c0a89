"""A signal to stop: heard while the target writes and while it waits, and nothing is lost."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import ExitStack
from queue import SimpleQueue
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

from exactonline_client.errors import RecordsRejected
from exactonline_sandbox.recorder import Recorder
from target_exactonline.results.reasons import LOST
from tests.target.books import STREAM as MATCH_SETS
from tests.target.books import UPLOAD, Books, load
from tests.target.test_program import lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from exactonline_sandbox.recorder import CallRecord
    from tests.target.conftest import Company, Message, Runner

pytestmark = pytest.mark.e2e
PATIENCE = 30.0
"""Seconds after which a program that has not got there never will."""
FOREVER = 36_000
"""Seconds that a program waits which does not hear a signal."""


class Program:
    """The target in a process of its own, and what it tells."""

    def __init__(
        self,
        runner: Runner,
        folder: Path,
        messages: list[Message],
        *,
        more: bool = False,
        **options: Any,
    ) -> None:
        """`more` leaves its input open, as if more were to come."""
        self._results, self._out, self._log = (folder / name for name in ("told", "out", "log"))
        settings = {**runner.settings, "results_path": str(self._results), **options}
        (folder / "config.json").write_text(json.dumps(settings), encoding="utf-8")
        command = [sys.executable, "-m", "target_exactonline", "--config", "config.json"]
        with self._out.open("wb") as out, self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, cwd=folder, stdin=subprocess.PIPE, stdout=out, stderr=log, text=True
            )
        self._input = self._process.stdin
        assert self._input
        self._input.write(lines(*messages))
        self._input.flush()
        if not more:
            self._input.close()

    @property
    def outcomes(self) -> list[tuple[str, str]]:
        """What the file of results says."""
        text = self._results.read_text(encoding="utf-8") if self._results.exists() else ""
        told = [json.loads(line) for line in text.splitlines(keepends=True) if line[-1:] == "\n"]
        return [(line["reference"], line["outcome"]) for line in told]

    @property
    def states(self) -> list[object]:
        return [json.loads(line)["seen"] for line in self._out.read_text().splitlines()]

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def is_waiting(self) -> bool:
        """Whether it waits for what was sent without an answer."""
        return f"Waiting {FOREVER} s" in self.log

    def stop(self) -> None:
        """Send it a signal."""
        self._process.send_signal(signal.SIGTERM)

    def stop_when(self, is_so: Callable[[], bool]) -> int:
        """Send it a signal once something is so; its exit code."""
        latest = monotonic() + PATIENCE
        while not is_so():
            assert monotonic() < latest
            assert self._process.poll() is None, self.log
            sleep(0.02)
        self.stop()
        return self.wait()

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        return self._process.wait(PATIENCE)

    def end(self) -> None:
        """End it, also where a test fails."""
        self._process.kill()
        self._process.communicate()


class AtPost(Recorder):
    """Does something once Exact has carried out so many POSTs, before the answer is out."""

    def __init__(self, number: int, do: Callable[[], None]) -> None:
        super().__init__()
        self._left, self._do = number, do

    @override
    def data_call(self, made: CallRecord, query: str, moment: datetime) -> None:
        super().data_call(made, query, moment)
        if made.method == "POST":
            self._left -= 1
            if self._left == 0:
                self._do()


@pytest.fixture
def program(runner: Runner, tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Starts the target with messages and settings."""
    with ExitStack() as started:

        def start(*messages: Message, **options: Any) -> Program:
            made = Program(runner, tmp_path, [*messages], **options)
            started.callback(made.end)
            return made

        yield start


@pytest.mark.parametrize(("wrong", "code"), [(True, 5), (False, 0)])
def test_a_signal_while_it_writes_ends_it_after_the_document_at_hand(
    company: Company,
    runner: Runner,
    program: Callable[..., Program],
    monkeypatch: pytest.MonkeyPatch,
    *,
    wrong: bool,
    code: int,
) -> None:
    names = [f"halt-{code}-{number}" for number in range(5)]
    first, *others = [company.invoice(name) for name in names]
    if wrong:
        del first["OrderedBy"]
    started: SimpleQueue[Program] = SimpleQueue()
    last_written = AtPost(3 - wrong, lambda: started.get(timeout=PATIENCE).stop())
    monkeypatch.setattr(company.server.world, "recorder", last_written)
    run = program(
        runner.schema(),
        runner.record(first),
        runner.state("first"),
        *map(runner.record, others),
        runner.state("last"),
    )
    started.put(run)
    assert run.wait() == code
    assert run.states == ["first"]
    done = ["rejected" if wrong else "created", "created", "created"]
    assert run.outcomes == list(zip(names[:3], done, strict=True))
    at_exact = [len(company.invoices(name)) for name in names]
    assert at_exact == [int(not wrong), 1, 1, 0, 0]
    assert f"{sum(at_exact)} created, 0 already there, {int(wrong)} rejected" in run.log
    assert "Traceback" not in run.log
    rest = runner.load(*others)
    assert [outcome for _, outcome in rest.outcomes] == ["unchanged"] * 2 + ["created"] * 2


@pytest.mark.parametrize(("wrong", "code"), [(True, 5), (False, 0)])
def test_a_signal_while_it_waits_for_more_input_writes_what_has_come_in(
    company: Company, runner: Runner, program: Callable[..., Program], *, wrong: bool, code: int
) -> None:
    names = [f"idle-{code}-{number}" for number in range(3)]
    first, second, third = [company.invoice(name) for name in names]
    if wrong:
        del third["OrderedBy"]
    messages = [runner.record(first), runner.state("first"), *map(runner.record, [second, third])]
    # Of this stream the log tells when it comes in.
    last_read = runner.schema("meltano_test_stream")
    run = program(runner.schema(), *messages, last_read, more=True)
    assert run.stop_when(lambda: "can be opened" in run.log) == code
    assert run.states == ["first"]
    last = "rejected" if wrong else "created"
    assert run.outcomes == list(zip(names, ["created", "created", last], strict=True))
    assert [len(company.invoices(name)) for name in names] == [1, 1, int(not wrong)]
    assert "Traceback" not in run.log
    rest = runner.load(second, third)
    assert [outcome for _, outcome in rest.outcomes] == [
        "unchanged",
        "rejected" if wrong else "unchanged",
    ]


def test_a_signal_while_it_waits_for_a_doubt_leaves_that_to_the_next_run(
    company: Company, runner: Runner, program: Callable[..., Program]
) -> None:
    company.server.control.faults({"kind": "cut", "method": "POST", "times": 1})
    records = [company.invoice("unsure"), company.invoice("certain")]
    messages = [runner.schema(), *map(runner.record, records), runner.state("all")]
    run = program(*messages, settle_after=FOREVER)
    assert run.stop_when(run.is_waiting) == RecordsRejected.exit_code
    # The store keeps the document, so that the tap need not send it again.
    assert run.states == ["all"]
    assert run.outcomes == [("certain", "created"), ("unsure", "in_doubt")]
    assert f"record unsure is in doubt: {LOST}." in run.log
    assert "1 created, 0 already there, 0 rejected, 1 in doubt" in run.log
    assert "Traceback" not in run.log
    next_run = runner.run([runner.schema()], settle_after=0)
    assert next_run.error is None
    assert next_run.outcomes == [("unsure", "created")]
    assert [len(company.invoices(name)) for name in ("unsure", "certain")] == [1, 1]


def test_a_signal_while_it_waits_for_a_match_set_leaves_that_to_the_next_run(
    books: Books, runner: Runner, program: Callable[..., Program]
) -> None:
    record = books.item()
    books.fault("cut")
    messages = [runner.record(record, MATCH_SETS), runner.state("all")]
    run = program(runner.schema(MATCH_SETS), *messages, settle_after=FOREVER)
    assert run.stop_when(run.is_waiting) == RecordsRejected.exit_code
    assert run.states == ["all"]
    assert run.outcomes == [(record["reference"], "in_doubt")]
    assert f"record {record['reference']} is in doubt: " in run.log
    assert "0 created, 0 already there, 0 rejected, 1 in doubt" in run.log
    assert "Traceback" not in run.log
    assert not books.is_paid(record)
    next_run = load(runner, settle_after=0)
    assert next_run.error is None
    assert next_run.outcomes == [(record["reference"], "created")]
    assert books.is_paid(record)
    assert books.calls(UPLOAD) == 2


def test_a_signal_before_any_record_is_read_needs_no_sign_in(
    runner: Runner, program: Callable[..., Program]
) -> None:
    runner.settings |= {"base_url": "http://127.0.0.1:9"}
    run = program(runner.state("none"), more=True)

    assert run.stop_when(lambda: bool(run.states)) == 0
    assert "ERROR" not in run.log


def test_an_error_while_it_writes_what_has_come_in_is_told(
    company: Company, runner: Runner, program: Callable[..., Program]
) -> None:
    refusal = {"kind": "status", "status": 404, "body": True, "method": "GET"}
    company.server.control.faults({**refusal, "path": "SalesInvoices"})
    messages = [runner.record(company.invoice("unheard")), runner.schema("meltano_test_stream")]
    run = program(runner.schema(), *messages, more=True)
    assert run.stop_when(lambda: "can be opened" in run.log) == 1
    assert run.states == []
    assert "ERROR" in run.log
