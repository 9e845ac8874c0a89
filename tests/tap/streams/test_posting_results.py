"""The stream `posting_results`: what the target noted in the store, read back."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

from exactonline_client.connection import connect
from exactonline_client.store.postings import sealed
from exactonline_client.store.store import Store
from exactonline_client.store.tables import postings
from tap_exactonline.tap import TapExactOnline
from tests.tap.conftest import catalog

if TYPE_CHECKING:
    from tests.tap.conftest import Bench

STREAM = "posting_results"
LONG_AGO = datetime(2026, 1, 5, 10, tzinfo=timezone.utc).timestamp()


def app_of(bench: Bench) -> str:
    with closing(connect(bench.config)) as opened:
        return opened.app.key


def note(bench: Bench, reference: str, at: float, division: int | None = None, **more: Any) -> None:
    values = {
        "app": app_of(bench),
        "division": division or bench.divisions[0],
        "entity": "salesinvoice/SalesInvoices",
        "reference": reference,
        "stream": "sales_invoices",
        "outcome": "created",
        "payload_hash": "",
        "at": at,
        **more,
    }
    with closing(Store(bench.config["store_url"])) as store:
        store.put(postings, **sealed(store, values))


def test_all_that_is_known_of_a_document_is_there(bench: Bench) -> None:
    known: dict[str, Any] = {
        "exact_id": "a1",
        "number": "26000012",
        "reason": "why",
        "sent_at": LONG_AGO - 1.5,
    }
    note(bench, "W1", LONG_AGO, **known, finalized="done", record=b"sealed")
    outcome = bench.run(STREAM, divisions=[bench.divisions[0]])
    assert outcome.error is None
    assert outcome.records(STREAM) == [
        {
            "Division": bench.divisions[0],
            "entity": "salesinvoice/SalesInvoices",
            "reference": "W1",
            "stream": "sales_invoices",
            "outcome": "created",
            "exact_id": "a1",
            "number": "26000012",
            "reason": "why",
            "finalized": "done",
            "sent_at": "2026-01-05T09:59:58.500000+00:00",
            "at": "2026-01-05T10:00:00.000000+00:00",
        }
    ]
    assert not outcome.calls


def test_what_was_forgotten_is_not_told(bench: Bench) -> None:
    note(bench, "#forgotten-hash", LONG_AGO, outcome="forgotten")
    assert bench.run(STREAM).records(STREAM) == []


def test_records_keep_to_their_schema(bench: Bench) -> None:
    note(bench, "W1", LONG_AGO)
    outcome = bench.run(STREAM)
    (schema,) = [message for message in outcome.messages if message["type"] == "SCHEMA"]
    assert list(schema["key_properties"]) == ["Division", "entity", "reference"]
    properties = schema["schema"]["properties"]
    (record,) = outcome.records(STREAM)
    assert record.keys() == properties.keys()
    for name, value in record.items():
        assert value is not None or "null" in properties[name]["type"], name


@pytest.mark.parametrize("bench", [{"divisions": 2}], indirect=True)
def test_each_division_tells_its_own_and_the_next_run_what_changed(bench: Bench) -> None:
    first, second = bench.divisions
    note(bench, "A", LONG_AGO, first)
    note(bench, "B", LONG_AGO + 10, second, outcome="rejected")
    once = bench.run(STREAM, divisions=[first, second])
    told = {(row["Division"], row["reference"], row["outcome"]) for row in once.records(STREAM)}
    assert told == {(first, "A", "created"), (second, "B", "rejected")}
    note(bench, "B", LONG_AGO + 20, second)
    note(bench, "C", LONG_AGO + 5, first)
    again = bench.run(STREAM, state=once.state, divisions=[first, second])
    # The last row of a division comes once more: another may carry the same moment.
    told = {(row["Division"], row["reference"], row["outcome"]) for row in again.records(STREAM)}
    assert told == {(first, "A", "created"), (first, "C", "created"), (second, "B", "created")}


def test_what_is_young_is_read_again(bench: Bench) -> None:
    note(bench, "A", datetime.now(timezone.utc).timestamp())
    once = bench.run(STREAM)
    # Another machine noted this a moment before, but it was not to be seen yet.
    note(bench, "B", datetime.now(timezone.utc).timestamp() - 20)
    again = bench.run(STREAM, state=once.state)
    assert [row["reference"] for row in again.records(STREAM)] == ["B", "A"]


def test_other_apps_and_divisions_that_are_not_asked_for_are_left_out(bench: Bench) -> None:
    note(bench, "A", LONG_AGO, app="another")
    note(bench, "B", LONG_AGO, 4711)
    assert bench.run(STREAM).records(STREAM) == []


def test_nobody_gets_it_unasked(bench: Bench) -> None:
    found = TapExactOnline(
        config=bench.config, validate_config=False, setup_mapper=False
    ).catalog_dict
    (entry,) = [entry for entry in found["streams"] if entry["tap_stream_id"] == STREAM]
    (root,) = [item["metadata"] for item in entry["metadata"] if not item["breadcrumb"]]
    assert root["selected-by-default"] is False
    selected = catalog(("accounts",), None, bench.config)
    assert STREAM not in TapExactOnline(config=bench.config, catalog=selected).streams
