"""A run that takes only what webhooks have named."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from exactonline_client import catalogue
from exactonline_client.errors import ConfigurationError
from tap_exactonline.definitions.definition import stream_definitions
from tap_exactonline.divisions import webhooks

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tap.conftest import Bench


def written(path: Path, *named: tuple[str, int], more: str = "") -> str:
    lines = [
        json.dumps(
            {
                "Content": {"Topic": topic, "Action": "Update", "Division": division, "Key": "k"},
                "HashCode": "A",
            }
        )
        for topic, division in named
    ]
    path.write_text("\n".join(lines) + more, encoding="utf-8")
    return str(path)


def read_in(outcome: Any, stream: str) -> set[int]:
    return {row["Division"] for row in outcome.records(stream)}


@pytest.mark.parametrize("bench", [{"divisions": 3, "invoices": 5}], indirect=True)
def test_only_what_was_named_is_read(bench: Bench, tmp_path: Path) -> None:
    one, two, three = bench.divisions
    path = written(tmp_path / "events", ("Accounts", one), ("SalesInvoices", two), ("Items", three))
    streams = ("accounts", "sales_invoices", "sales_invoice_lines", "vat_codes", "me", "items")
    outcome = bench.run(*streams, divisions=[one, two], divisions_from=path)
    assert outcome.error is None
    assert read_in(outcome, "accounts") == {one}
    assert read_in(outcome, "sales_invoices") == {two}
    assert read_in(outcome, "sales_invoice_lines") == {two}
    for stream in ("vat_codes", "me", "items"):
        assert outcome.records(stream) == []


@pytest.mark.parametrize("bench", [{"divisions": 2, "invoices": 5}], indirect=True)
def test_without_divisions_those_of_the_events_are_taken(bench: Bench, tmp_path: Path) -> None:
    path = written(tmp_path / "events", ("Accounts", bench.divisions[1]))
    outcome = bench.run("accounts", divisions_from=path)
    assert read_in(outcome, "accounts") == {bench.divisions[1]}


def test_what_was_not_named_keeps_its_place(bench: Bench, tmp_path: Path) -> None:
    first = bench.run("accounts", "items")
    path = written(tmp_path / "events", ("Accounts", bench.divisions[0]))
    second = bench.run("accounts", "items", state=first.state, divisions_from=path)
    assert second.state["bookmarks"]["items"] == first.state["bookmarks"]["items"]
    assert second.calls["sync/Logistics/Items"] == 0
    assert second.calls["sync/CRM/Accounts"] == 1


def test_no_event_is_no_call_for_data(bench: Bench, tmp_path: Path) -> None:
    outcome = bench.run("accounts", divisions_from=written(tmp_path / "events"))
    assert outcome.error is None
    assert outcome.records("accounts") == []
    assert not outcome.calls


def test_a_line_that_is_no_payload_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = written(tmp_path / "events", ("Accounts", 1), more='\n\n{"Content": {"Topic')
    assert [event.topic for event in webhooks.read(path)] == ["Accounts"]
    assert "line 3 was left out" in caplog.text


def test_a_file_that_is_not_there_is_a_wrong_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"divisions_from: .*cannot be read"):
        webhooks.read(str(tmp_path / "nothing"))
    with pytest.raises(ConfigurationError, match="divisions_from"):
        webhooks.read("\0")


def test_every_topic_names_a_stream_and_headers_name_their_lines() -> None:
    facts = catalogue.load()
    topics = {
        topic
        for endpoint in facts.endpoints.values()
        for topic in (endpoint.webhook_topic or "").split("|")
        if topic
    }
    found = stream_definitions(facts, use_sync=True)
    for topic in topics:
        named = webhooks.divisions_by_stream([webhooks.Content(topic, "Update", 1)], found, facts)
        assert any(named.values()), topic
    sold = webhooks.divisions_by_stream(
        [webhooks.Content("SalesEntries", "Create", 7)], found, facts
    )
    assert {name for name, divisions in sold.items() if divisions} == {
        "sales_entries",
        "sales_entry_lines",
        "transaction_lines",
    }
