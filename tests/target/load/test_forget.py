"""What was forgotten is not sent again, and nothing of it is kept again."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from exactonline_client.store import postings
from exactonline_client.store.store import Store
from exactonline_client.store.tables import lookups as kept_lookups
from exactonline_client.store.tables import postings as table
from tests.target.books import load as load_match_sets

if TYPE_CHECKING:
    from tests.target.books import Books
    from tests.target.conftest import Company, Runner


def forget(runner: Runner, reference: str) -> None:
    with closing(Store(runner.settings["store_url"])) as store:
        (app,) = store.read(sa.select(table.c.app).distinct())
        (posting,) = postings.newest(store, postings.Wanted([app[0]], reference=reference))
        assert postings.forget(store, posting, posting.at)


def entries(runner: Runner) -> set[str]:
    with closing(Store(runner.settings["store_url"])) as store:
        return {row.reference for row in store.read(sa.select(table))}


@pytest.mark.parametrize("method", ["append-only", "upsert"])
@pytest.mark.parametrize("fields", [{}, {"Description": "later"}, {"Colour": "red"}])
def test_a_document_is_not_sent_again(
    company: Company, runner: Runner, method: str, fields: dict[str, str]
) -> None:
    reference = f"fg-{method[:3]}-{'-'.join(fields)[:5]}"
    assert runner.load(company.invoice(reference)).outcomes == [(reference, "created")]
    forget(runner, reference)
    left = entries(runner)
    load = runner.load(company.invoice(reference, **fields), load_method=method)
    assert load.outcomes == [(reference, "skipped")]
    assert "forgotten" in str(load.reasons[0])
    assert load.error is None
    assert entries(runner) == left
    assert len(company.invoices(reference)) == 1


def test_nor_is_a_match_set(books: Books, runner: Runner) -> None:
    record = books.item()
    name = record["reference"]
    assert load_match_sets(runner, record).outcomes == [(name, "created")]
    forget(runner, name)
    assert load_match_sets(runner, record, record).outcomes == [(name, "skipped")] * 2
    assert load_match_sets(runner, {**record, "lines": []}).outcomes == [(name, "skipped")]
    assert name not in entries(runner)


def test_a_run_removes_what_lookups_left(company: Company, runner: Runner) -> None:
    accounts = company.server.control.truth(company.division, "accounts")
    (code,) = (row["Code"] for row in accounts if row["ID"] == company.customer)
    runner.load(company.invoice("forget-lookups", OrderedBy={"Code": code.strip()}))
    with closing(Store(runner.settings["store_url"])) as store:
        assert store.read(kept_lookups.select())
        with store.transaction() as connection:
            connection.execute(kept_lookups.update().values(at=1.0))
    runner.load(company.invoice("forget-lookups"))
    with closing(Store(runner.settings["store_url"])) as store:
        assert store.read(kept_lookups.select()) == []


def test_the_store_holds_no_value_of_a_record_in_clear(company: Company, runner: Runner) -> None:
    accounts = company.server.control.truth(company.division, "accounts")
    (name,) = (row["Name"] for row in accounts if row["ID"] == company.customer)
    texts = {"Description": "for Jansen en Zonen", "Remarks": "between us"}
    runner.load(company.invoice("clear-made", OrderedBy={"Name": name}, **texts))
    runner.load(company.invoice("clear-not", OrderedBy={"Name": "Jansen en Zonen"}, **texts))
    folder = Path(str(make_url(runner.settings["store_url"]).database)).parent
    kept = b"".join(path.read_bytes() for path in folder.glob("store.db*"))
    assert b"clear-made" in kept
    assert [text for text in (name, "Jansen", "between us") if text.encode() in kept] == []
