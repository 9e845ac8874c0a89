"""Deletes that Exact does not log, found by comparing keys."""

from __future__ import annotations

import time
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
import time_machine

from exactonline_client import catalogue
from exactonline_client.errors import ConfigurationError
from exactonline_sandbox.business.editor import Editor
from tap_exactonline.tap import TapExactOnline
from tests.tap.conftest import Collector, catalog

if TYPE_CHECKING:
    from tests.tap.conftest import Bench, Outcome

DAY = 86_400
ENTRIES = ("purchase_entries", "purchase_entry_lines")
RIGHTS = "users/UserHasRights"
VAT, UNITS = "vat/VATCodes", "logistics/Units"


def table_of(stream: str) -> str:
    return catalogue.load().streams[stream].plain or ""


def remove(bench: Bench, stream: str, *positions: int) -> set[str]:
    """Take rows out of a company, without a trace; returns their keys."""
    world = bench.server.world
    editor = Editor(world.company(bench.divisions[0]), world.author(world.config.users[0]))
    rows = list(editor.company.table(table_of(stream)).rows.values())
    chosen = [rows[position] for position in positions]
    key = catalogue.load().streams[stream].key[0]
    keys = {row[key] for row in chosen}
    editor.delete(table_of(stream), chosen)
    return keys


def put_back(bench: Bench, stream: str, row: dict[str, Any]) -> None:
    world = bench.server.world
    world.company(bench.divisions[0]).table(table_of(stream)).add(row)


def told(outcome: Outcome, stream: str) -> set[str]:
    """The keys of the rows that are told to be gone."""
    key = catalogue.load().streams[stream].key[0]
    return {row[key] for row in outcome.records(stream) if row.get("_sdc_deleted_at")}


def living(outcome: Outcome, stream: str) -> set[str]:
    key = catalogue.load().streams[stream].key[0]
    return {row[key] for row in outcome.records(stream) if not row.get("_sdc_deleted_at")}


@pytest.mark.parametrize(
    ("stream", "pages"), [("vat_codes", (1, 2)), ("units", (1, 1))], ids=["changes", "whole"]
)
def test_what_is_gone_is_told_once(bench: Bench, stream: str, pages: tuple[int, int]) -> None:
    first = bench.run(stream, compare_keys=[stream])
    assert first.error is None
    assert not told(first, stream)
    gone = remove(bench, stream, 1, 2)
    second = bench.run(stream, state=first.state, compare_keys=[stream])
    assert told(second, stream) == gone
    (tombstone, _) = [row for row in second.records(stream) if row.get("_sdc_deleted_at")]
    assert set(tombstone) == {"ID", "Division", "_sdc_deleted_at"}
    # A list that is read whole tells its keys itself.
    assert (first.calls[table_of(stream)], second.calls[table_of(stream)]) == pages
    third = bench.run(stream, state=second.state, compare_keys=["all"])
    assert not told(third, stream)


def test_a_catalog_made_before_the_setting_is_completed(bench: Bench) -> None:
    collector = Collector()
    tap = TapExactOnline(
        config={**bench.config, "compare_keys": ["all"], "keep_unknown_fields": True},
        catalog=catalog(("units",), None, bench.config),
        message_writer=collector,
    )
    tap.sync_all()
    tap.connection.close()
    (told,) = [one["schema"] for one in collector.messages if one["type"] == "SCHEMA"]
    assert {"_sdc_deleted_at", "_unknown_fields"} <= told["properties"].keys()


def test_without_the_setting_nothing_is_listed(bench: Bench) -> None:
    first = bench.run("vat_codes", compare_keys=["units"])
    remove(bench, "vat_codes", 1)
    second = bench.run("vat_codes", state=first.state)
    assert not told(second, "vat_codes")
    assert second.calls[VAT] == 1
    properties = next(one for one in second.messages if one["type"] == "SCHEMA")["schema"]
    assert "_sdc_deleted_at" not in properties["properties"]


def test_what_a_target_did_not_get_is_told_again(bench: Bench) -> None:
    first = bench.run("vat_codes", compare_keys=["all"])
    gone = remove(bench, "vat_codes", 3)
    for _ in range(2):
        again = bench.run("vat_codes", state=deepcopy(first.state), compare_keys=["all"])
        assert told(again, "vat_codes") == gone


@pytest.mark.parametrize("bench", [{"invoices": 400}], indirect=True)
@pytest.mark.parametrize("alone", [False, True])
def test_headers_and_lines_are_listed_together(bench: Bench, *, alone: bool) -> None:
    if alone:
        bench.server.control.switches(expand=False)
    first = bench.run(*ENTRIES, compare_keys=list(ENTRIES))
    pages = -(-len(bench.truth("purchase_entries")) // 60)
    assert pages > 1
    lines = remove(bench, "purchase_entry_lines", 0, 1)
    header = remove(bench, "purchase_entries", 4)
    second = bench.run(*ENTRIES, state=first.state, compare_keys=list(ENTRIES))
    assert second.error is None
    assert told(second, "purchase_entries") == header
    assert told(second, "purchase_entry_lines") >= lines
    assert living(first, "purchase_entry_lines") - told(second, "purchase_entry_lines") <= {
        row["ID"] for row in bench.truth("purchase_entry_lines")
    }
    assert second.calls[table_of("purchase_entries")] == 1 + pages
    third = bench.run(*ENTRIES, state=second.state, compare_keys=list(ENTRIES))
    assert not told(third, "purchase_entries") | told(third, "purchase_entry_lines")


def test_lines_alone_can_be_compared(bench: Bench) -> None:
    first = bench.run("purchase_entry_lines", compare_keys=["purchase_entry_lines"])
    gone = remove(bench, "purchase_entry_lines", 5)
    second = bench.run(
        "purchase_entry_lines", state=first.state, compare_keys=["purchase_entry_lines"]
    )
    assert told(second, "purchase_entry_lines") == gone
    assert not second.records("purchase_entries")


@pytest.mark.parametrize("bench", [{"invoices": 600}], indirect=True)
def test_a_list_that_ended_early_proves_nothing(bench: Bench) -> None:
    streams = ("purchase_entries",)
    first = bench.run(*streams, compare_keys=["all"])
    gone = remove(bench, "purchase_entries", 9)
    bench.server.control.limits(division=bench.divisions[0], leave_today=3)
    second = bench.run(*streams, state=first.state, compare_keys=["all"])
    assert second.calls[table_of("purchase_entries")] > 1
    assert not second.records("purchase_entries")
    with time_machine.travel(time.time() + DAY):
        third = bench.run(*streams, state=second.state, compare_keys=["all"])
    assert told(third, "purchase_entries") == gone


def test_rows_of_a_load_whose_state_never_arrived_are_known(bench: Bench) -> None:
    assert bench.run("vat_codes", compare_keys=["all"]).error is None
    gone = remove(bench, "vat_codes", 0)
    assert told(bench.run("vat_codes", compare_keys=["all"]), "vat_codes") == gone


@pytest.mark.parametrize("confirmed", [True, False])
def test_an_empty_list_is_believed_only_with_rights(
    bench: Bench, caplog: pytest.LogCaptureFixture, *, confirmed: bool
) -> None:
    first = bench.run("vat_codes", compare_keys=["all"])
    everything = {row["ID"] for row in bench.truth("vat_codes")}
    if confirmed:
        remove(bench, "vat_codes", *range(len(everything)))
    else:
        bench.server.control.switches(denied=[VAT], denied_answer="empty")
    second = bench.run("vat_codes", state=first.state, compare_keys=["all"])
    assert second.error is None
    assert second.calls[RIGHTS] == 1
    assert told(second, "vat_codes") == (everything if confirmed else set())
    assert ("nothing is marked as deleted" in caplog.text) is not confirmed
    if not confirmed:
        bench.server.control.switches(denied=[])
        third = bench.run("vat_codes", state=second.state, compare_keys=["all"])
        assert not told(third, "vat_codes")


def test_rows_that_are_back_are_sent_again(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    first = bench.run("vat_codes", compare_keys=["all"])
    table = bench.server.world.company(bench.divisions[0]).table(VAT)
    row = dict(next(iter(table.rows.values())))
    gone = remove(bench, "vat_codes", 0)
    second = bench.run("vat_codes", state=first.state, compare_keys=["all"])
    put_back(bench, "vat_codes", row)
    third = bench.run("vat_codes", state=second.state, compare_keys=["all"])
    assert "1 deleted row reappeared" in caplog.text
    assert not living(third, "vat_codes")
    fourth = bench.run("vat_codes", state=third.state, compare_keys=["all"])
    assert living(fourth, "vat_codes") >= gone
    assert not told(fourth, "vat_codes")


def test_each_division_is_compared_with_itself(bench: Bench) -> None:
    settings: dict[str, Any] = {"compare_keys": ["all"], "divisions": list(bench.divisions)}
    first = bench.run("units", **settings)
    gone = remove(bench, "units", 0)
    second = bench.run("units", state=first.state, **settings)
    tombstones = [row for row in second.records("units") if row.get("_sdc_deleted_at")]
    assert {(row["ID"], row["Division"]) for row in tombstones} == {
        (key, bench.divisions[0]) for key in gone
    }


def test_a_custom_stream_is_compared_within_its_filter(bench: Bench) -> None:
    custom = {
        "name": "some_vat_codes",
        "path": VAT,
        "filter": "Code lt '3'",
        "replication_key": "Modified",
    }
    settings: dict[str, Any] = {"custom_streams": [custom], "compare_keys": ["some_vat_codes"]}
    first = bench.run("some_vat_codes", **settings)
    sent = {row["ID"] for row in first.records("some_vat_codes")}
    assert 0 < len(sent) < len(bench.truth("vat_codes"))
    gone = remove(bench, "vat_codes", *range(len(bench.truth("vat_codes")))) & sent
    second = bench.run("some_vat_codes", state=first.state, **settings)
    tombstones = [row for row in second.records("some_vat_codes") if row.get("_sdc_deleted_at")]
    assert {row["ID"] for row in tombstones} == gone == sent


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("unit", "there is no stream unit"),
        ("accounts", "Exact's deleted log has the deletes of accounts"),
        ("deleted", "the rows of deleted cannot be compared"),
    ],
)
def test_a_stream_that_makes_no_sense_is_refused(name: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        TapExactOnline(config={"compare_keys": [name]}, validate_config=False).discover_streams()


def test_tombstones_must_be_wanted(bench: Bench) -> None:
    outcome_config = {**bench.config, "compare_keys": ["units"], "deletes": "off"}
    with pytest.raises(ConfigurationError, match="deletes"):
        TapExactOnline(config=outcome_config).discover_streams()
