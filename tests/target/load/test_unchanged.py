"""What is said of a record that has come before holds, whatever became of it then or since."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from exactonline_client.connection import connect

if TYPE_CHECKING:
    from tests.target.conftest import Company, Runner

UPSERT = {"load_method": "upsert"}


@pytest.mark.parametrize("method", ["append-only", "upsert"])
def test_of_a_document_that_was_deleted_by_hand_no_more_is_said_than_is_known(
    company: Company, runner: Runner, method: str
) -> None:
    reference = f"by-hand-{method}"
    runner.load(company.invoice(reference))
    (made,) = company.invoices(reference)
    with closing(connect(runner.settings)) as connection:
        path = f"/api/v1/{company.division}/salesinvoice/SalesInvoices(guid'{made['InvoiceID']}')"
        connection.session.write("DELETE", path, company.division)
    company.server.control.reset_calls()
    load = runner.load(company.invoice(reference), load_method=method)
    assert load.outcomes == [(reference, "unchanged")]
    assert "was changed or deleted at Exact Online since was not asked" in str(load.reasons[0])
    assert company.calls("GET") == 0


@pytest.mark.parametrize("method", ["append-only", "upsert"])
def test_what_another_wrote_is_not_said_to_be_as_the_record_says(
    company: Company, runner: Runner, tmp_path_factory: pytest.TempPathFactory, method: str
) -> None:
    reference = f"others-{method[:3]}"
    runner.load(company.invoice(reference))
    # Another store, which knows nothing of it; and another description than that at Exact.
    runner.settings = {
        **runner.settings,
        "store_url": f"sqlite:///{tmp_path_factory.mktemp('other') / 'store.db'}",
        "refresh_token": company.sign_in(),
    }
    other = company.invoice(reference, Description="other")
    assert runner.load(other).outcomes == [(reference, "exists")]
    again = runner.load(other)
    assert again.outcomes == [(reference, "exists")]
    changed = runner.load(other, load_method=method)
    wanted = "exists" if method == "append-only" else "updated"
    assert changed.outcomes == [(reference, wanted)]


def test_what_could_be_changed_in_part_only_is_not_unchanged(
    company: Company, runner: Runner
) -> None:
    accounts = company.server.control.truth(company.division, "accounts")
    other = next(
        row["ID"] for row in accounts if row["Status"] == "C" and row["ID"] != company.customer
    )
    runner.load(company.invoice("in-part"), **UPSERT)
    partly = company.invoice("in-part", OrderedBy=other, Description="new")
    first = runner.load(partly, partly, **UPSERT)
    assert first.outcomes == [("in-part", "updated"), ("in-part", "skipped")]
    assert company.invoices("in-part")[0]["Description"] == "new"
    assert runner.load(partly, **UPSERT).outcomes == [("in-part", "skipped")]
    company.server.control.reset_calls()
    last = runner.load(partly, **UPSERT)
    assert last.outcomes == [("in-part", "skipped")]
    assert last.reasons == ["the API cannot change OrderedBy"]
    assert company.calls("GET") == 0
