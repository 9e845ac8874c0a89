"""Two runs at once that have lost the lock between them: nothing is sent twice."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
import sqlalchemy as sa

from exactonline_client.errors import RecordsRejected
from exactonline_client.store.store import Store
from exactonline_client.store.tables import postings
from tests.stress import databases
from tests.target.books import DOWNLOAD, UPLOAD, Books
from tests.target.conftest import Runner, sign_in
from tests.target.load.test_finalize import prints, status
from tests.target.load.test_once import ENTRIES, journal_entry, number_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.target.conftest import Company, Load

pytestmark = pytest.mark.e2e
PROCESSED = 50
NUMBERS = count(881_000)
"""Nothing that one test makes has the name of another's."""


@pytest.fixture(scope="module")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with databases.store("postgresql", tmp_path_factory.mktemp("server")) as url:
        yield url


@pytest.fixture(params=databases.KINDS)
def shared(request: pytest.FixtureRequest, tmp_path: Path, company: Company) -> dict[str, Any]:
    """Settings of two runs with one store."""
    url = f"sqlite:///{tmp_path / 'store.db'}"
    if request.param == "postgresql":
        url = new_database(request.getfixturevalue("postgresql"))
    return {**sign_in(company.server), "store_url": url, "new_store": True}


def new_database(address: str) -> str:
    url = sa.make_url(address)
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        number = connection.execute(sa.text("SELECT count(*) FROM pg_database")).scalar_one()
        connection.execute(sa.text(f"CREATE DATABASE two_runs_{number}"))
    engine.dispose()
    return url.set(database=f"two_runs_{number}").render_as_string(hide_password=False)


def lose_locks(address: str) -> None:
    """Take all locks of a store from whoever holds them, without telling him."""
    url = sa.make_url(address)
    if url.get_backend_name() == "sqlite":
        for path in Path(str(url.database)).parent.rglob("*.lock"):
            path.unlink()
        return
    ended = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = :name"
    engine = sa.create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(ended), {"name": url.database})
    engine.dispose()


class Two:
    """Two runs, of which the second begins and ends while the first is at some point."""

    def __init__(
        self, settings: dict[str, Any], capsys: pytest.CaptureFixture[str], folder: Path
    ) -> None:
        self.first, self.second = (
            Runner(settings, capsys, folder / name) for name in ("first", "second")
        )
        for name in ("first", "second"):
            (folder / name).mkdir()

    def load(
        self, patch: pytest.MonkeyPatch, at: tuple[str, str], load: Callable[[Runner], Load]
    ) -> tuple[Load, Load]:
        """How both ended; the second runs while the first waits for the answer to a call.

        `at`: the method of that call, and a part of its address.
        """
        method, part = at
        request = requests.Session.request
        ended: list[Load] = []

        def answer_late(*arguments: Any, **options: Any) -> Any:
            answer = request(*arguments, **options)
            made = answer.request
            if not ended and made.method == method and part in str(made.url):
                patch.setattr(requests.Session, "request", request)
                ended.append(self.run_second(load))
            return answer

        patch.setattr(requests.Session, "request", answer_late)
        first = load(self.first)
        assert ended, first.error
        return first, ended[0]

    def run_second(self, load: Callable[[Runner], Load]) -> Load:
        lose_locks(self.first.settings["store_url"])
        return load(self.second)


@pytest.fixture
def two(
    shared: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    signals: None,  # noqa: ARG001
) -> Two:
    return Two(shared, capsys, tmp_path)


def accounts(company: Company, name: str) -> list[str]:
    rows = company.server.control.truth(company.division, "accounts")
    return [row["ID"] for row in rows if row["Name"] == name]


def references_of(runner: Runner) -> list[str]:
    """All references in the journal."""
    with closing(Store(runner.settings["store_url"])) as store:
        return [row.reference for row in store.read(sa.select(postings.c.reference))]


def unused() -> str:
    return f"two-{next(NUMBERS)}"


SEARCH = ("GET", "SalesInvoices")


def test_each_document_is_created_once(
    company: Company, two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [unused() for _ in range(4)]
    records = [company.invoice(name) for name in names]
    first, second = two.load(monkeypatch, SEARCH, lambda run: run.load(*records))
    assert second.outcomes == [(name, "created") for name in names]
    assert first.outcomes == [(name, "unchanged") for name in names]
    assert [len(company.invoices(name)) for name in names] == [1] * len(names)
    assert first.error is second.error is None


def test_what_cannot_be_searched_is_created_once(
    company: Company, two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [journal_entry(company, unused()) for _ in range(2)]
    before = number_of(company, ENTRIES)
    # The list of journals is read between the look into the store and the sending.
    first, second = two.load(
        monkeypatch, ("GET", "Journals"), lambda run: run.load(*entries, stream=ENTRIES)
    )
    assert {outcome for _, outcome in second.outcomes} == {"created"}
    assert {outcome for _, outcome in first.outcomes} == {"unchanged"}
    assert number_of(company, ENTRIES) == before + len(entries)


def test_what_is_on_its_way_is_left_to_the_run_that_sends_it(
    company: Company, two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = unused()
    entry = journal_entry(company, reference)
    before = number_of(company, ENTRIES)
    first, second = two.load(
        monkeypatch, ("POST", "GeneralJournal"), lambda run: run.load(entry, stream=ENTRIES)
    )
    assert second.outcomes == [(reference, "in_doubt")]
    assert isinstance(second.error, RecordsRejected)
    assert first.outcomes == [(reference, "created")]
    assert number_of(company, ENTRIES) == before + 1
    assert two.second.load(entry, stream=ENTRIES).outcomes == [(reference, "unchanged")]


def test_a_run_that_was_held_up_before_it_sends_looks_again(company: Company, two: Two) -> None:
    reference = unused()
    invoice = company.invoice(reference)
    ended: list[Load] = []

    def hold_up() -> None:
        if not ended and reference in references_of(two.first):
            company.server.control.clock(advance_seconds=5)
            ended.append(two.run_second(lambda run: run.load(invoice, settle_after=0)))

    two.first.before_call, two.first.server = hold_up, company.server
    two.second.server = company.server
    first = two.first.load(invoice, settle_after=0)
    (second,) = ended
    assert second.outcomes == [(reference, "created")]
    assert first.outcomes == [(reference, "unchanged")]
    assert len(company.invoices(reference)) == 1


def test_an_invoice_is_finalised_once(
    company: Company, two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = unused()
    # Before an invoice of nothing is finalised, its total is read.
    invoice = company.invoice(reference)
    invoice["SalesInvoiceLines"][0]["Quantity"] = 0
    first, second = two.load(
        monkeypatch, ("GET", "InvoiceID%20eq"), lambda run: run.load(invoice, finalize="email")
    )
    assert second.outcomes == [(reference, "unchanged"), (reference, "updated")]
    assert first.outcomes == [(reference, "created")]
    assert first.reasons == ["another run finalises it"]
    assert first.error is second.error is None
    assert status(company, reference) == PROCESSED
    assert prints(company) == 1


def test_a_line_is_added_once(company: Company, two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    reference = unused()
    invoice = company.invoice(reference)
    two.first.load(invoice)
    line = {"Item": company.items[1], "Quantity": 9, "NetPrice": 1}
    more = {**invoice, "SalesInvoiceLines": [*invoice["SalesInvoiceLines"], line]}
    first, second = two.load(monkeypatch, SEARCH, lambda run: run.load(more, load_method="upsert"))
    assert second.outcomes == [(reference, "updated")]
    assert first.outcomes == [(reference, "unchanged")]
    (made,) = company.invoices(reference)
    assert len(company.lines(made["InvoiceID"])) == len(more["SalesInvoiceLines"])


def test_a_missing_account_is_created_once(
    company: Company, two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = unused()
    new = {"Code": str(next(NUMBERS)), "Name": f"Twee {reference}"}
    invoice = company.invoice(reference, OrderedBy=new)
    first, second = two.load(
        monkeypatch, ("GET", "Accounts"), lambda run: run.load(invoice, create_missing=["accounts"])
    )
    assert second.outcomes == [(reference, "created")]
    assert first.outcomes[0][1] in ("exists", "unchanged")
    assert len(accounts(company, new["Name"])) == 1
    assert len(company.invoices(reference)) == 1


def test_match_sets_are_uploaded_once(
    books: Books, two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [books.item(), books.item("20.50")]
    options: dict[str, Any] = {"stream": "match_sets", "settle_after": 0}
    # With one of them in doubt, the match sets are listed before the upload.
    books.fault("cut", times=2)
    two.first.load(records[0], **options)
    books.company.server.control.reset_calls()
    first, second = two.load(
        monkeypatch, ("GET", DOWNLOAD), lambda run: run.load(*records, **options)
    )
    assert [outcome for _, outcome in second.outcomes] == ["created"] * 2
    assert [outcome for _, outcome in first.outcomes] == ["unchanged"] * 2
    assert books.calls(UPLOAD) == 1
    assert all(books.is_paid(record) for record in records)


def test_two_programs_whose_locks_are_taken_all_the_time(
    company: Company, shared: dict[str, Any], tmp_path: Path
) -> None:
    references = [unused() for _ in range(20)]
    messages = [Runner.schema(), *(Runner.record(company.invoice(name)) for name in references)]
    given = "".join(json.dumps(message) + "\n" for message in messages)
    config = tmp_path / "config.json"
    config.write_text(json.dumps({**shared, "settle_after": 5}), encoding="utf-8")
    command = [sys.executable, "-m", "target_exactonline", "--config", str(config)]
    with ThreadPoolExecutor(2) as pool:
        programs = [
            pool.submit(subprocess.run, command, input=given, text=True, capture_output=True)
            for _ in range(2)
        ]
        while not all(program.done() for program in programs):
            wait(programs, timeout=1)
            lose_locks(shared["store_url"])
    # Where a session ended within a transaction, a run ends as well; the next one goes on.
    last = subprocess.run(command, input=given, text=True, capture_output=True, check=False)
    assert last.returncode == 0, last.stderr
    assert [len(company.invoices(name)) for name in references] == [1] * len(references)
    for program in programs:
        assert program.result().returncode in (0, 8), program.result().stderr
        assert "Traceback" not in program.result().stderr
