"""References that Exact keeps otherwise than they were sent: found again, and said."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from exactonline_client.errors import RecordsRejected
from exactonline_client.store.store import Store
from exactonline_client.store.tables import postings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.target.conftest import Company, Runner

CUT = {"longest_reference": 30}
UPPER = {"kept_reference": "upper"}
SINGLE = {"kept_reference": "single"}
NOT = {"kept_reference": "not"}
MONTHS = (f"{year}-{month:02d}" for year in range(2024, 2026) for month in range(1, 13))


@pytest.fixture(autouse=True)
def _plain(company: Company) -> Iterator[None]:
    yield
    company.server.control.switches(
        longest_reference=0, long_reference="cut", kept_reference="whole"
    )


def long_ones(name: str, number: int = 4) -> list[str]:
    """References that differ within their first 30 characters."""
    return [f"web  {name} {each} from the shop of the month" for each in range(number)]


def number_of(company: Company) -> int:
    return len(company.server.control.truth(company.division, "sales_invoices"))


def lose_one_answer(company: Company) -> None:
    company.server.control.faults({"kind": "lost", "method": "POST", "times": 1})


@pytest.mark.parametrize("switches", [CUT, UPPER, SINGLE, NOT], ids=str)
@pytest.mark.parametrize("lost_at", [0, 2])
def test_a_lost_answer_of_a_respelled_reference_is_found(
    company: Company, runner: Runner, switches: dict[str, Any], lost_at: int
) -> None:
    before = number_of(company)
    company.server.control.switches(**switches)
    company.server.control.clock(advance_seconds=1000)
    # What is kept without a reference is told apart by what else it says.
    month = next(MONTHS)
    records = [
        company.invoice(reference, InvoiceDate=f"{month}-{day:02d}")
        for day, reference in enumerate(long_ones(f"l{month}"), start=1)
    ]
    first = runner.load(*records[:lost_at], settle_after=0) if lost_at else None
    lose_one_answer(company)
    load = runner.load(*records[lost_at:], settle_after=0)
    assert number_of(company) == before + 4
    for each in filter(None, (first, load)):
        assert isinstance(each.error, RecordsRejected), "a person has to look"
        assert {outcome for _, outcome in each.outcomes} == {"created"}
        assert all("keeps its YourRef as" in str(reason) for reason in each.reasons)
    again = runner.load(*records, settle_after=0)
    assert again.error is None
    assert {outcome for _, outcome in again.outcomes} == {"unchanged"}
    assert number_of(company) == before + 4


def test_the_kept_spelling_is_noted(company: Company, runner: Runner) -> None:
    company.server.control.switches(**CUT)
    (reference,) = long_ones("n", 1)
    runner.load(company.invoice(reference), company.invoice("short-n"))
    with closing(Store(runner.settings["store_url"])) as store, store.transaction() as connection:
        query = sa.select(postings.c.reference, postings.c.kept_reference)
        kept = {row.reference: row.kept_reference for row in connection.execute(query)}
    assert kept == {reference: reference[:30], "short-n": "short-n"}


def test_a_new_store_finds_cut_references(company: Company, runner: Runner, tmp_path: Path) -> None:
    before = number_of(company)
    company.server.control.switches(**CUT)
    records = [company.invoice(reference) for reference in long_ones("s")]
    runner.load(*records)
    load = runner.load(
        *records, store_url=f"sqlite:///{tmp_path / 'new.db'}", refresh_token=company.sign_in()
    )
    assert isinstance(load.error, RecordsRejected)
    assert {outcome for _, outcome in load.outcomes} == {"exists"}
    assert all("keeps its YourRef as" in str(reason) for reason in load.reasons)
    assert number_of(company) == before + 4


def test_references_that_share_their_beginning_are_two_documents(
    company: Company, runner: Runner
) -> None:
    before = number_of(company)
    company.server.control.switches(**CUT)
    beginning = "the same beginning of 30 signs"
    records = [company.invoice(f"{beginning}-{end}") for end in ("a", "b")]
    load = runner.load(*records)
    assert {outcome for _, outcome in load.outcomes} == {"created"}
    assert number_of(company) == before + 2


def test_a_changed_record_of_a_cut_reference_is_not_sent_blindly(
    company: Company, runner: Runner, tmp_path: Path
) -> None:
    before = number_of(company)
    company.server.control.switches(**CUT)
    one, other = (company.invoice(reference) for reference in long_ones("c", 2))
    runner.load(one, other)
    other["SalesInvoiceLines"][0]["Quantity"] = 7
    load = runner.load(
        one, other, store_url=f"sqlite:///{tmp_path / 'new.db'}", refresh_token=company.sign_in()
    )
    assert [outcome for _, outcome in load.outcomes] == ["exists", "rejected"]
    assert "may be what became of this reference" in str(load.reasons[1])
    assert number_of(company) == before + 2


def test_a_refused_reference_is_said_in_the_words_of_exact(
    company: Company, runner: Runner
) -> None:
    company.server.control.switches(longest_reference=30, long_reference="refused")
    (reference,) = long_ones("r", 1)
    load = runner.load(company.invoice(reference))
    assert load.outcomes == [(reference, "rejected")]
    assert "Value too long: YourRef" in str(load.reasons[0])


def test_what_is_kept_whole_costs_one_look_for_a_new_length(
    company: Company, runner: Runner
) -> None:
    references = long_ones("w", 3)
    runner.load(company.invoice(references[0]))
    company.server.control.reset_calls()
    load = runner.load(*(company.invoice(reference) for reference in references[1:]))
    assert load.error is None
    assert (company.calls("GET"), company.calls("POST")) == (1, 2)
