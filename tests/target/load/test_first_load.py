"""Documents that no reference finds are not created again when the store is lost."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from exactonline_client.errors import RecordsRejected
from tests.target.load.test_once import ENTRIES, journal_entry, number_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.target.conftest import Company, Record, Runner


@pytest.fixture
def settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Nothing is said of what was loaded before."""
    return {name: value for name, value in settings.items() if name != "new_store"}


def entries(company: Company, day: str) -> list[Record]:
    """Journal entries of a day; the first two are alike but for their reference."""
    found = []
    for number, amount in enumerate((11.5, 11.5, 12.25), start=1):
        entry = journal_entry(company, f"{day}-{number}")
        for line, sign in zip(entry["GeneralJournalEntryLines"], (1, -1), strict=True):
            line |= {"Date": day, "AmountFC": sign * amount}
        found.append(entry)
    return found


def lost(company: Company, folder: Path) -> dict[str, Any]:
    """Settings with a store that knows nothing."""
    company.server.control.clock(advance_seconds=60)
    return {
        "store_url": f"sqlite:///{folder / 'new.db'}",
        "refresh_token": company.sign_in(),
    }


def test_a_lost_store_does_not_double_journal_entries(
    company: Company, patient: Runner, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = number_of(company, ENTRIES)
    records = entries(company, "2026-03-02")
    first = patient.load(*records, stream=ENTRIES)
    assert {outcome for _, outcome in first.outcomes} == {"created"}
    options = lost(company, tmp_path)
    caplog.clear()
    load = patient.load(*records, stream=ENTRIES, **options)
    assert isinstance(load.error, RecordsRejected), "a person has to look, once"
    assert {outcome for _, outcome in load.outcomes} == {"exists"}
    assert len({line["exact_id"] for line in load.results}) == 3
    assert number_of(company, ENTRIES) == before + 3
    assert "set new_store: true for the first load" in caplog.text
    again = patient.load(*records, stream=ENTRIES, **options)
    assert again.error is None
    assert {outcome for _, outcome in again.outcomes} == {"exists"}


def test_a_first_load_that_breaks_off_goes_on_looking(
    company: Company, patient: Runner, tmp_path: Path
) -> None:
    before = number_of(company, ENTRIES)
    records = entries(company, "2026-03-03")
    patient.load(*records, stream=ENTRIES)
    options = lost(company, tmp_path)
    for record in records:
        patient.load(record, stream=ENTRIES, **options)
    assert number_of(company, ENTRIES) == before + 3


def test_new_store_saves_the_calls(
    company: Company, patient: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    records = entries(company, "2026-03-04")
    company.server.control.reset_calls()
    load = patient.load(records[0], stream=ENTRIES, new_store=True)
    assert load.outcomes == [("2026-03-04-1", "created")]
    # The list of journals, which the store knows from then on.
    assert company.calls("GET") == 1
    assert "new_store" not in caplog.text
    assert patient.load(records[1], stream=ENTRIES).outcomes == [("2026-03-04-2", "created")]
    assert company.calls("GET") == 1
    patient.load(records[2], stream=ENTRIES, new_store=True)
    assert "Setting new_store has done its work" in caplog.text


def test_what_is_dated_after_the_first_load_is_not_looked_for(
    company: Company, patient: Runner
) -> None:
    patient.load(entries(company, "2026-03-05")[0], stream=ENTRIES)
    company.server.control.reset_calls()
    load = patient.load(entries(company, "2027-01-01")[0], stream=ENTRIES)
    assert load.outcomes == [("2027-01-01-1", "created")]
    assert company.calls("GET") == 0


def test_what_cannot_be_looked_for_is_not_sent(company: Company, patient: Runner) -> None:
    before = number_of(company, ENTRIES)
    company.server.control.faults(
        {
            "kind": "status",
            "status": 400,
            "method": "GET",
            "path": "GeneralJournal",
            "message": "Filtering on these fields is not supported.",
        }
    )
    entry = journal_entry(company, "unknown")
    for _run in range(2):
        load = patient.load(entry, stream=ENTRIES)
        assert load.outcomes == [("unknown", "rejected")]
        assert "set new_store: true for one load" in str(load.reasons[0])
    assert number_of(company, ENTRIES) == before
    load = patient.load(entry, stream=ENTRIES, new_store=True)
    assert load.outcomes == [("unknown", "created")]


def test_a_copy_without_a_reference_is_found_by_its_content(
    company: Company, patient: Runner, tmp_path: Path
) -> None:
    before = number_of(company, "sales_invoices")
    copied = company.invoice(
        "none",
        InvoiceID="11111111-1111-4111-8111-111111111199",
        InvoiceDate="2026-03-06",
        Division=company.division,
    )
    del copied["YourRef"]
    patient.load(copied)
    assert number_of(company, "sales_invoices") == before + 1
    load = patient.load(copied, **lost(company, tmp_path))
    assert [outcome for _, outcome in load.outcomes] == ["exists"]
    assert number_of(company, "sales_invoices") == before + 1
