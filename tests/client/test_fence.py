"""The journal of writes as a fence: of two runs that decide on one entry, one loses."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from exactonline_client.store import postings
from exactonline_client.store.outcomes import Status
from exactonline_client.store.postings import SENDING, WANTED, Wanted, beside
from exactonline_client.store.store import Store
from exactonline_client.store.tables import postings as table
from target_exactonline.load.journal import FRESH, Intent, Journal, Overtaken
from target_exactonline.results.outcome import Outcome, Result

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection

    from exactonline_client.store.postings import Posting
    from tests.client.conftest import Clock

ENTITY = "salesinvoice/SalesInvoices"
RECORD = {"YourRef": "R-1"}


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    store = Store(store_url)
    yield store
    store.close()


@pytest.fixture
def runs(store: Store, clock: Clock) -> tuple[Journal, Journal]:
    """Two runs on one store, by a clock that stands still."""
    return Journal(store, "app", 1, clock), Journal(store, "app", 1, clock)


def intent(finalized: str | None = None) -> Intent:
    return Intent("sales_invoices", ENTITY, "R-1", "hash", RECORD, finalized=finalized)


def known(journal: Journal, reference: str = "R-1") -> Posting | None:
    return journal.known(ENTITY, [reference]).get(reference)


def settle(journal: Journal, outcome: Outcome, before: Posting | None, **options: Any) -> bool:
    result = Result("sales_invoices", ENTITY, "R-1", outcome)
    return journal.settle(result, RECORD, "hash", before=before, **options)


def test_of_two_runs_one_may_send_what_was_not_known(runs: tuple[Journal, Journal]) -> None:
    first, second = runs
    assert first.intend(intent(), None)
    assert not second.intend(intent(), None)
    assert settle(first, Outcome(Status.CREATED, "key"), None)
    assert not second.intend(intent(), None)
    row = known(second)
    assert row is not None
    assert (row.outcome, row.exact_id) == (Status.CREATED, "key")


def test_of_many_runs_at_once_one_may_send(store: Store, clock: Clock) -> None:
    journals = [Journal(store, "app", 1, clock) for _ in range(8)]
    with ThreadPoolExecutor(len(journals)) as pool:
        sent = [*pool.map(lambda journal: journal.intend(intent(), None), journals)]
    assert sent.count(True) == 1


@pytest.mark.parametrize("outcome", [Status.IN_DOUBT, Status.REJECTED])
def test_of_two_runs_one_may_send_what_is_as_both_have_read_it(
    runs: tuple[Journal, Journal], outcome: Status
) -> None:
    first, second = runs
    settle(first, Outcome(outcome, reason="?"), None)
    before = known(second)
    # The same outcome and, since the clock stands still, the same moment.
    assert first.intend(intent(), before)
    first.withdraw(intent(), before)
    assert not second.intend(intent(), before)
    assert second.intend(intent(), known(second))


def test_a_run_that_was_overtaken_changes_nothing_any_more(runs: tuple[Journal, Journal]) -> None:
    first, second = runs
    first.intend(intent(), None)
    assert second.intend(intent(), known(second))
    taken = known(second)
    first.doubt(ENTITY, "R-1", "no answer")
    first.withdraw(intent(), None)
    assert not settle(first, Outcome(Status.EXISTS, "other"), None)
    assert not first.change(ENTITY, "R-1", finalized=SENDING)
    assert known(second) == taken
    assert settle(second, Outcome(Status.CREATED, "key"), None)


def test_what_was_created_is_noted_although_another_run_has_doubts_of_it(
    runs: tuple[Journal, Journal],
) -> None:
    first, second = runs
    first.intend(intent(), None)
    assert settle(second, Outcome(Status.IN_DOUBT, reason="?"), known(second))
    assert settle(first, Outcome(Status.CREATED, "key"), None)
    row = known(second)
    assert row is not None
    assert (row.outcome, row.exact_id) == (Status.CREATED, "key")


def test_what_has_waited_to_be_sent_is_sent_only_while_nobody_else_is_at_it(
    runs: tuple[Journal, Journal], clock: Clock
) -> None:
    first, second = runs
    since = clock()
    first.intend(intent(), None)
    read = known(second)
    clock.now += 30
    first.confirm(ENTITY, ["R-1"], since)
    row = known(second)
    assert row is not None
    assert row.sent_at == clock.now
    assert not second.intend(intent(), read)
    assert second.intend(intent(), row)
    clock.now += FRESH
    with pytest.raises(Overtaken):
        first.confirm(ENTITY, ["R-1"], since)


def test_what_is_noted_does_not_age_while_the_store_is_waited_for(
    runs: tuple[Journal, Journal],
    store: Store,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = runs
    since = clock()
    first.intend(intent(), None)
    clock.now += FRESH
    transaction = store.transaction

    def busy() -> AbstractContextManager[Connection]:
        monkeypatch.setattr(store, "transaction", transaction)
        clock.now += 100
        return transaction()

    monkeypatch.setattr(store, "transaction", busy)
    first.confirm(ENTITY, ["R-1"], since)
    row = known(second)
    assert row is not None
    assert row.sent_at == clock.now


def test_a_moment_of_a_clock_that_was_ahead_is_noted_anew(
    runs: tuple[Journal, Journal], clock: Clock
) -> None:
    first, second = runs
    since = clock()
    first.intend(intent(), None)
    clock.now -= 86_400
    first.confirm(ENTITY, ["R-1"], since)
    row = known(second)
    assert row is not None
    assert row.sent_at == clock.now


def test_an_invoice_is_finalised_by_one_run(runs: tuple[Journal, Journal]) -> None:
    first, second = runs
    first.intend(intent(WANTED), None)
    settle(first, Outcome(Status.CREATED, "key"), None)
    row = known(second)
    assert first.change(ENTITY, "R-1", finalized=SENDING)
    assert not second.change(ENTITY, "R-1", row, finalized=SENDING)
    row = known(second)
    assert second.change(ENTITY, "R-1", row)
    assert not first.change(ENTITY, "R-1", finalized=WANTED)
    assert second.change(ENTITY, "R-1", finalized=SENDING)


def test_what_a_person_settled_stays(runs: tuple[Journal, Journal], store: Store) -> None:
    first, second = runs
    first.intend(intent(), None)
    before = known(second)
    (posting,) = postings.newest(store, Wanted(["app"]))
    assert postings.settle(store, posting, "by hand", 1.0)
    assert not settle(second, Outcome(Status.IN_DOUBT, reason="?"), before)
    row = known(second)
    assert row is not None
    assert (row.outcome, row.exact_id) == (Status.CREATED, "by hand")


def test_two_changes_at_once_leave_a_document_to_be_compared(runs: tuple[Journal, Journal]) -> None:
    first, second = runs
    settle(first, Outcome(Status.CREATED, "key", payload_hash="one"), None)
    before = known(first)
    assert settle(second, Outcome(Status.UPDATED, "key", payload_hash="two"), before)
    assert not settle(first, Outcome(Status.UPDATED, "key", payload_hash="three"), before)
    row = known(first)
    assert row is not None
    assert (row.outcome, row.payload_hash) == (Status.UPDATED, "")


class TestBeside:
    """A record that fails although a document has its reference."""

    @pytest.mark.parametrize("stale", [True, False])
    @pytest.mark.parametrize(
        "outcome",
        [
            Status.CREATED,
            Status.EXISTS,
            Status.UPDATED,
            Status.IN_DOUBT,
            Status.POSTING,
            Status.SKIPPED,
        ],
    )
    def test_what_is_there_or_on_its_way_stays_what_it_is(
        self, runs: tuple[Journal, Journal], store: Store, outcome: Status, *, stale: bool
    ) -> None:
        journal, _ = runs
        if outcome in (Status.IN_DOUBT, Status.POSTING):
            journal.intend(intent(), None)
        if outcome == Status.IN_DOUBT:
            journal.doubt(ENTITY, "R-1", "?")
        elif outcome != Status.POSTING:
            settle(journal, Outcome(outcome, "key", payload_hash="hash"), None)
        before = known(journal)
        read = None if stale else before
        assert not settle(journal, Outcome(Status.REJECTED, reason="Colour"), read, looked=False)
        assert known(journal) == before
        row = known(journal, beside("R-1"))
        assert row is not None
        assert row.outcome == Status.REJECTED
        assert "R-1" in str(row.reason)
        assert "Colour" in str(row.reason)
        wanted = Wanted(["app"], reference="R-1")
        assert {posting.outcome for posting in postings.newest(store, wanted)} == {
            outcome, Status.REJECTED
        }  # fmt: skip
        streams = [stream for stream, _, _ in postings.unfinished(store, wanted)]
        assert len(streams) == (2 if outcome in (Status.IN_DOUBT, Status.POSTING) else 1)

    def test_a_change_that_was_refused_is_beside_what_is_there(
        self, runs: tuple[Journal, Journal]
    ) -> None:
        journal, _ = runs
        settle(journal, Outcome(Status.CREATED, "key", "7", payload_hash="hash"), None)
        assert not settle(journal, Outcome(Status.REJECTED, "key", reason="closed"), known(journal))
        row = known(journal)
        assert row is not None
        # A part of the change may be there: the next record is compared.
        assert (row.outcome, row.exact_id, row.payload_hash) == (Status.CREATED, "key", "")
        assert known(journal, beside("R-1")) is not None
        assert settle(journal, Outcome(Status.UPDATED, "key", payload_hash="new"), row)
        assert known(journal, beside("R-1")) is None

    def test_each_write_has_a_revision_of_its_own(
        self, runs: tuple[Journal, Journal], store: Store
    ) -> None:
        journal, _ = runs
        journal.intend(intent(), None)
        first = known(journal)
        with store.transaction() as connection:
            connection.execute(table.update().values(number="by hand"))
        second = known(journal)
        assert first is not None
        assert second is not None
        assert first.revision != second.revision
