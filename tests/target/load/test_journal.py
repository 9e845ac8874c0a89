"""What the journal keeps of documents: enough to never send one twice, and no longer than asked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from exactonline_client.redaction import install
from exactonline_client.store.outcomes import Status
from exactonline_client.store.postings import WANTED, Wanted, derived, forget, newest
from exactonline_client.store.store import Store
from exactonline_client.store.tables import postings
from target_exactonline.load.journal import DAY, Intent, Journal, made_up
from target_exactonline.results.outcome import Outcome, Result

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ENTITY = "salesinvoice/SalesInvoices"
RECORD = {"YourRef": "R-1", "Remarks": "between us"}


class Clock:
    """A clock that stands still until it is moved."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path / 'store.db'}")
    yield store
    store.close()


@pytest.fixture
def journal(store: Store, clock: Clock) -> Journal:
    return Journal(store, "app", 1, clock)


def intent(reference: str = "R-1", **fields: Any) -> Intent:
    return Intent("sales_invoices", ENTITY, reference, "hash", record=RECORD, **fields)


def settle(journal: Journal, outcome: Outcome, reference: str = "R-1") -> None:
    before = journal.known(ENTITY, [reference]).get(reference)
    result = Result("sales_invoices", ENTITY, reference, outcome)
    journal.settle(result, RECORD, "hash", before=before)


def kept(store: Store) -> list[bytes | None]:
    with store.transaction() as connection:
        return list(connection.execute(sa.select(postings.c.record)).scalars())


def test_an_intent_is_known_before_its_answer(journal: Journal, clock: Clock) -> None:
    assert journal.intend(intent(finalized=WANTED), None)
    (row,) = journal.known(ENTITY, ["R-1", "R-2"]).values()
    assert (row.outcome, row.payload_hash, row.sent_at) == (Status.POSTING, "hash", clock.now)
    assert row.doubtful
    assert journal.known("crm/Accounts", ["R-1"]) == {}


def test_the_record_is_kept_unreadable_and_only_until_it_is_written(
    journal: Journal, store: Store
) -> None:
    assert journal.intend(intent(), None)
    (sealed,) = kept(store)
    assert sealed is not None
    assert b"between" not in sealed
    assert json.loads(store.decrypt(sealed) or "") == RECORD
    settle(journal, Outcome(Status.CREATED, "key", payload_hash="hash"))
    assert kept(store) == [None]
    settle(journal, Outcome(Status.REJECTED, reason="no"))
    (sealed,) = kept(store)
    assert sealed is not None


def test_many_kept_records_do_not_become_secrets_to_hide(journal: Journal, store: Store) -> None:
    redactor = install()
    assert journal.intend(intent(), None)
    (sealed,) = kept(store)
    text = store.decrypt(sealed, secret=False) or ""
    assert redactor.clean(text) == text != ""
    store.decrypt(sealed)
    assert redactor.clean(text) != text


def test_what_was_created_outlives_a_version_that_failed(journal: Journal) -> None:
    settle(journal, Outcome(Status.CREATED, "key", "7", payload_hash="hash"))
    settle(journal, Outcome(Status.REJECTED, reason="no"))
    row = journal.known(ENTITY, ["R-1"])["R-1"]
    assert (row.outcome, row.exact_id, row.number) == (Status.REJECTED, "key", "7")
    assert (row.payload_hash, row.reason) == ("hash", "no")
    settle(journal, Outcome(Status.EXISTS, "key"))
    row = journal.known(ENTITY, ["R-1"])["R-1"]
    assert (row.outcome, row.payload_hash, row.reason) == (Status.EXISTS, "hash", None)


def test_what_was_deleted_may_be_created_again(journal: Journal) -> None:
    settle(journal, Outcome(Status.CREATED, "key", payload_hash="hash"))
    settle(journal, Outcome(Status.DELETED, "key"))
    row = journal.known(ENTITY, ["R-1"])["R-1"]
    assert (row.outcome, row.payload_hash) == (Status.DELETED, "")
    assert row.exact_id is None


def test_a_request_that_never_left_leaves_things_as_they_were(journal: Journal) -> None:
    assert journal.intend(intent(), None)
    journal.withdraw(intent(), None)
    assert journal.known(ENTITY, ["R-1"]) == {}
    settle(journal, Outcome(Status.REJECTED, reason="no"))
    before = journal.known(ENTITY, ["R-1"])["R-1"]
    assert journal.intend(intent(), before)
    journal.withdraw(intent(), before)
    assert journal.known(ENTITY, ["R-1"])["R-1"] == before


def test_a_doubt_counts_from_when_it_arose(journal: Journal, clock: Clock) -> None:
    assert journal.intend(intent(), None)
    clock.now += 300
    journal.doubt(ENTITY, "R-1", "no answer in time")
    row = journal.known(ENTITY, ["R-1"])["R-1"]
    assert (row.outcome, row.sent_at, row.reason) == (
        Status.IN_DOUBT,
        clock.now,
        "no answer in time",
    )


def test_old_entries_go_but_for_doubts_and_what_cannot_be_searched(
    journal: Journal, clock: Clock
) -> None:
    settle(journal, Outcome(Status.CREATED, "key", payload_hash="hash"), "old")
    assert journal.intend(intent("doubt"), None)
    entry = Result(
        "bank_entries", "financialtransaction/BankEntries", "B", Outcome(Status.CREATED, "b")
    )
    journal.settle(entry, {}, "hash", before=None)
    clock.now += 10 * DAY
    settle(journal, Outcome(Status.CREATED, "key", payload_hash="hash"), "young")
    clock.now += DAY
    journal.purge(10, ["financialtransaction/BankEntries"])
    assert set(journal.known(ENTITY, ["old", "doubt", "young"])) == {"doubt", "young"}
    assert set(journal.known("financialtransaction/BankEntries", ["B"])) == {"B"}


def test_the_record_of_a_doubt_is_kept_no_longer_than_others(
    journal: Journal, store: Store, clock: Clock
) -> None:
    assert journal.intend(intent(), None)
    journal.doubt(ENTITY, "R-1", "no answer in time")
    assert len(journal.left(ENTITY)) == 1
    clock.now += 11 * DAY
    journal.purge(10, [])
    row = journal.known(ENTITY, ["R-1"])["R-1"]
    assert (row.outcome, row.reason) == (Status.IN_DOUBT, None)
    assert row.sent_at is not None
    assert store.read(sa.select(postings.c.record)) == [(None,)]
    assert journal.left(ENTITY) == []


def test_no_more_rejected_records_are_kept_than_the_newest(
    journal: Journal, store: Store, clock: Clock
) -> None:
    for number in range(4):
        settle(journal, Outcome(Status.REJECTED, reason="no"), f"R-{number}")
        clock.now += 1
    journal.purge(10, [], most_records=2)
    query = sa.select(postings.c.reference, postings.c.record).order_by(postings.c.reference)
    kept = [row.reference for row in store.read(query) if row.record is not None]
    assert kept == ["R-2", "R-3"]


@pytest.mark.parametrize(("searchable", "left"), [(True, False), (False, True)])
def test_what_is_forgotten_is_known_as_long_as_nothing_else_would_tell(
    journal: Journal, store: Store, clock: Clock, *, searchable: bool, left: bool
) -> None:
    settle(journal, Outcome(Status.CREATED, "key", payload_hash="hash"), "R-1")
    (posting,) = newest(store, Wanted(["app"]))
    assert forget(store, posting, clock.now)
    assert journal.known(ENTITY, ["R-1"]) == {}
    assert journal.forgotten(ENTITY, ["R-0", "R-1"]) == {"R-1"}
    assert journal.forgotten("crm/Accounts", ["R-1"]) == set()
    clock.now += 11 * DAY
    journal.purge(10, [] if searchable else [ENTITY])
    assert (journal.forgotten(ENTITY, ["R-1"]) == {"R-1"}) == left


def test_a_record_that_could_not_be_named_is_forgotten_once_it_is_written(
    journal: Journal,
) -> None:
    name = made_up(RECORD)
    settle(journal, Outcome(Status.REJECTED, reason="YourRef is missing"), name)
    assert set(journal.known(ENTITY, [name])) == {name}
    settle(journal, Outcome(Status.CREATED, "key", payload_hash="hash"))
    assert journal.known(ENTITY, [name]) == {}


def test_made_up_references_depend_on_the_content_alone() -> None:
    assert made_up({"a": 1, "b": 2}) == made_up({"b": 2, "a": 1}) != made_up({"a": 1})
    long = "x" * 200
    assert len(derived(ENTITY, long)) == 200
    assert derived(ENTITY, long) != derived(ENTITY, f"{long}y")
    assert derived(ENTITY, "R-1") == f"{ENTITY}/R-1"
