"""Changes in doubt: a later version of a document wins, and no line is added twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.target.conftest import killed_while_it_waits

if TYPE_CHECKING:
    from tests.target.conftest import Company, Record, Runner

LINES = "SalesInvoiceLines"
UPSERT: dict[str, Any] = {"load_method": "upsert", "hard_delete": True}


def version(company: Company, reference: str, *quantities: float) -> Record:
    lines = [{"Item": company.items[0], "Quantity": each, "NetPrice": 5} for each in quantities]
    return company.invoice(reference, SalesInvoiceLines=lines)


def quantities(company: Company, reference: str) -> list[float]:
    (invoice,) = company.invoices(reference)
    return [row["Quantity"] for row in company.lines(invoice["InvoiceID"])]


@pytest.mark.parametrize("settle_after", [0, 1])
@pytest.mark.parametrize("kind", ["lost", "cut"])
def test_a_later_version_comes_last(
    company: Company, runner: Runner, kind: str, settle_after: int
) -> None:
    reference = f"version-{kind}-{settle_after}"
    runner.load(version(company, reference, 1, 2), **UPSERT)
    company.server.control.faults({"kind": kind, "method": "POST", "path": LINES, "times": 1})
    earlier, later = version(company, reference, 1, 2, 3), version(company, reference, 1)
    load = runner.load(earlier, later, settle_after=settle_after, **UPSERT)
    assert load.error is None
    assert load.outcomes == [(reference, "skipped"), (reference, "updated")]
    assert "a later version takes its place" in str(load.reasons[0])
    assert quantities(company, reference) == [1]


def test_a_later_version_of_a_new_document_comes_last(company: Company, patient: Runner) -> None:
    company.server.control.faults({"kind": "late", "method": "POST", "seconds": 30, "times": 1})
    earlier, later = version(company, "new", 1), version(company, "new", 1, 2)
    load = patient.load(earlier, later, settle_after=60, **UPSERT)
    assert load.outcomes == [("new", "skipped"), ("new", "updated")]
    assert quantities(company, "new") == [1, 2]


@pytest.mark.parametrize("again", [True, False])
def test_a_line_that_is_still_on_its_way_is_waited_for_by_the_next_run(
    company: Company, patient: Runner, *, again: bool
) -> None:
    reference = f"way-{again}"
    patient.load(version(company, reference, 1), **UPSERT)
    late = {"kind": "late", "method": "POST", "path": LINES, "seconds": 30, "times": 1}
    company.server.control.faults(late)
    record = version(company, reference, 1, 2)
    killed_while_it_waits(patient)
    patient.load(record, settle_after=10, **UPSERT)
    load = patient.load(*[record] * again, settle_after=60, **UPSERT)
    assert load.error is None
    assert load.outcomes == [(reference, "updated")]
    assert quantities(company, reference) == [1, 2]


def test_a_run_that_is_cut_off_while_it_adds_lines_is_gone_on_with(
    company: Company, patient: Runner
) -> None:
    patient.load(version(company, "half", 1), **UPSERT)
    company.server.control.faults({"kind": "lost", "method": "POST", "path": LINES, "times": 1})
    killed_while_it_waits(patient)
    patient.load(version(company, "half", 1, 2), settle_after=10, **UPSERT)
    load = patient.load(settle_after=0, **UPSERT)
    assert load.error is None
    assert load.outcomes == [("half", "updated")]
    assert quantities(company, "half") == [1, 2]
