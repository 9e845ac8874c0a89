"""What a run will cost is what it then costs."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from exactonline_client.errors import Incomplete
from exactonline_client.store import list_sizes
from exactonline_client.store.list_sizes import Size
from tap_exactonline.estimate import sources
from tap_exactonline.estimate.advice import advice
from tap_exactonline.estimate.cost import (
    Cost,
    Division,
    Estimate,
    LastRun,
    count,
    estimate,
    queries,
    uncounted,
)
from tap_exactonline.tap import TapExactOnline
from tests.tap.conftest import Collector, catalog

if TYPE_CHECKING:
    from tap_exactonline.estimate.sources import Source
    from tests.tap.conftest import Bench

WEEK = 7.0
PAIR = ("sales_invoices", "sales_invoice_lines")


OF_DISCOVERY = ("use_sync_api", "custom_streams")


@cache
def selection(streams: tuple[str, ...], config: str) -> str:
    """A catalog, which takes a while to make."""
    return json.dumps(catalog(streams, None, json.loads(config)))


def tap(bench: Bench, *streams: str, state: Any = None, **config: Any) -> TapExactOnline:
    settings = {**bench.config, **config}
    own = {name: config[name] for name in OF_DISCOVERY if name in config}
    return TapExactOnline(
        config=settings,
        catalog=json.loads(selection(streams, json.dumps(own))),
        state=state,
        message_writer=Collector(),
    )


def estimated(planned: TapExactOnline, *, counting: bool = True) -> Estimate:
    if counting:
        assert not any(count(planned.planned, unknown(planned, WEEK)))
    return estimate(planned.planned, sources.list_sources(planned.planned), WEEK)


def unknown(reader: TapExactOnline, days: float) -> list[Source]:
    """The lists whose rows are to be counted."""
    return uncounted(reader.planned, sources.list_sources(reader.planned), days)


def run(reader: TapExactOnline) -> None:
    """A run as the program makes it."""
    with suppress(Incomplete):
        reader.run()


def made(bench: Bench) -> int:
    calls = bench.server.control.calls()["calls"]
    return sum(call["count"] for call in calls if call["division"])


def made_free(bench: Bench) -> int:
    """Calls that count against no limit."""
    calls = bench.server.control.calls()["calls"]
    return sum(call["count"] for call in calls if not call["division"])


@pytest.mark.parametrize("bench", [{"invoices": 300, "divisions": 2}], indirect=True)
@pytest.mark.parametrize("use_sync_api", [True, False])
def test_a_first_load_takes_the_calls_that_were_estimated(
    bench: Bench, *, use_sync_api: bool
) -> None:
    settings = {"divisions": [*bench.divisions], "use_sync_api": use_sync_api}
    streams = (*PAIR, "accounts", "contacts", "journals", "sales_entries", "sales_entry_lines")
    found = estimated(tap(bench, *streams, **settings))
    assert not found.at_least
    bench.server.control.reset_calls()
    run(tap(bench, *streams, **settings))
    assert found.calls == made(bench)
    assert [one.division for one in found.divisions] == [*bench.divisions]


@pytest.mark.parametrize("bench", [{"invoices": 6, "divisions": 2}], indirect=True)
@pytest.mark.parametrize(
    ("streams", "settings"),
    [
        (("me", "system_divisions", "hrm_divisions", "accountant_info"), {}),
        (("journals", "accounts"), {"all_divisions": True, "use_sync_api": False}),
        (("posting_results",), {}),
        (("deleted",), {"deletes": "stream"}),
        (("document_attachments",), {"attachments": "content"}),
        (("codes",), {"custom_streams": [{"name": "codes", "path": "vat/VATCodes"}]}),
        (("stock_positions", "employees", "payments", *PAIR), {}),
        (("journals",), {"start_date": "2200-01-01T00:00:00Z"}),
    ],
    ids=lambda value: "+".join(value) or "none",
)
def test_every_kind_of_stream_takes_the_calls_that_are_estimated(
    bench: Bench, streams: tuple[str, ...], settings: dict[str, Any]
) -> None:
    """In a first run, and in a second one that goes on from its state."""
    chosen = {} if "all_divisions" in settings else {"divisions": [*bench.divisions]}
    settings = {"deletes": "off", **chosen, **settings}
    state = None
    for _ in range(2):
        found = estimated(tap(bench, *streams, state=state, **settings))
        bench.server.control.reset_calls()
        reader = tap(bench, *streams, state=state, **settings)
        run(reader)
        assert (found.calls <= made(bench)) if found.at_least else (found.calls == made(bench))
        assert found.free_calls == made_free(bench)
        state = json.loads(json.dumps(reader.state))


def test_an_incremental_run_is_estimated_by_what_has_changed(bench: Bench) -> None:
    streams = ("accounts", "sales_entries", "sales_entry_lines")
    before = bench.run(*streams)
    bench.server.control.clock(advance_seconds=3600)
    bench.server.control.changes(bench.divisions[0])
    planned = tap(bench, *streams, state=before.state)
    (accounts, entries, *_) = estimated(planned).costs
    assert (accounts.scope, accounts.calls) == ("changes", 1)
    assert (entries.scope, entries.calls) == ("changes", 1)
    assert {*entries.streams} == {"sales_entries", "sales_entry_lines"}
    changed = bench.run(*streams, state=before.state)
    assert accounts.rows == len(changed.records("accounts")) > 0
    assert entries.rows == len(changed.records("sales_entries")) > 0


def test_changes_counted_before_are_counted_anew(bench: Bench) -> None:
    state = bench.run("accounts").state
    planned = tap(bench, "accounts", state=state)
    estimated(planned)
    assert [source.name for source in unknown(planned, WEEK)] == ["accounts"]


def test_headers_and_lines_of_one_list_are_read_once(bench: Bench) -> None:
    planned = tap(bench, *PAIR)
    (source,) = sources.list_sources(planned.planned)
    assert set(source.streams) == set(PAIR)
    assert len(queries(planned.planned, source)) == 2
    rows = sum(len(bench.truth(stream)) for stream in PAIR)
    assert estimated(planned).costs[0].rows == rows


def test_lines_that_do_not_come_along_have_a_list_of_their_own(bench: Bench) -> None:
    bench.server.control.switches(expand=False)
    streams = ("sales_entries", "sales_entry_lines")
    run(tap(bench, *streams))
    assert [source.streams for source in sources.list_sources(tap(bench, *streams).planned)] == [
        ("sales_entries",),
        ("sales_entry_lines",),
    ]


def test_a_count_costs_one_call_and_is_kept(bench: Bench) -> None:
    planned = tap(bench, "journals")
    bench.server.control.reset_calls()
    estimated(planned)
    assert made(bench) == 1
    assert unknown(planned, WEEK) == []
    cost, _me = estimated(tap(bench, "journals"), counting=False).costs
    assert (cost.rows, cost.known_from) == (len(bench.truth("journals")), "count")
    assert [source.name for source in unknown(planned, 0.0)] == ["journals"]


def test_a_count_meets_the_demand_for_a_filter(bench: Bench) -> None:
    bench.server.control.switches(mandatory_filtering=True)
    planned = tap(bench, "accounts", "gl_accounts", *PAIR)
    found = estimated(planned)
    rows = {cost.streams[0]: cost.rows for cost in found.costs if cost.streams}
    assert rows["accounts"] == len(bench.truth("accounts"))
    assert rows["gl_accounts"] == len(bench.truth("gl_accounts"))
    assert not found.at_least


def test_what_cannot_be_counted_is_said_to_take_at_least_a_call(bench: Bench) -> None:
    found = estimated(tap(bench, "stock_positions"))
    assert (found.costs[0].rows, found.costs[0].calls, found.at_least) == (None, 1, True)


def test_a_refused_count_is_told(bench: Bench) -> None:
    bench.server.control.switches(denied=["financial/Journals"])
    planned = tap(bench, "journals")
    (what,) = count(planned.planned, unknown(planned, WEEK))
    assert what
    assert what.startswith(f"journals of division {bench.divisions[0]} could not be counted: ")


def test_rows_before_the_start_date_are_not_counted(bench: Bench) -> None:
    moment = "2200-01-01T00:00:00Z"
    (cost, *_) = estimated(tap(bench, "vat_codes", start_date=moment)).costs
    assert (cost.rows, cost.scope) == (0, "since 2200-01-01T00:00:00.000+00:00")
    assert cost.calls == 2, "one to ask about the rights"


def test_a_sync_list_is_read_whole_whatever_the_start_date(bench: Bench) -> None:
    (cost, *_) = estimated(tap(bench, "accounts", start_date="2200-01-01T00:00:00Z")).costs
    assert (cost.rows, cost.scope) == (len(bench.truth("accounts")), "all")


def test_the_calls_of_the_last_run_are_shown(bench: Bench) -> None:
    estimated(tap(bench, "accounts", "journals"))
    streams = ("accounts", "items")
    run(tap(bench, *streams))
    found = estimated(tap(bench, *streams), counting=False)
    assert {cost.streams: cost.last_run for cost in found.costs if cost.streams} == {
        ("accounts",): LastRun(1, "all", expected=1),
        ("items",): LastRun(1, "all", expected=None),
    }


def test_a_list_that_was_not_read_to_its_end_is_not_noted(bench: Bench) -> None:
    bench.server.control.switches(denied=["financial/Journals"])
    bench.server.control.faults({"kind": "malformed", "path": "sync/CRM/Accounts"})
    reader = tap(bench, "accounts", "items")
    run(reader)
    known = list_sizes.known(reader.connection.store, reader.connection.app.key)
    assert {stream for _, stream, _ in known} == {"items", "system/Divisions"}


@pytest.mark.parametrize(
    ("limits", "settings", "minutes", "days"),
    [
        ((None, None), {}, 200 / 60, 1),
        ((100, 9000), {}, 2.0, 1),
        ((60, 150), {}, 200 / 60, 2),
        ((60, 150), {"daily_call_reserve": 100}, 200 / 60, 4),
        ((60, 5000), {"max_parallel_divisions": 1}, 400 / 60, 1),
    ],
)
@pytest.mark.parametrize("bench", [{"divisions": 2, "invoices": 2}], indirect=True)
def test_time_is_that_of_the_longest_division(
    bench: Bench,
    limits: tuple[int | None, int | None],
    settings: dict[str, Any],
    minutes: float,
    days: int,
) -> None:
    planned = tap(bench, "journals", divisions=[*bench.divisions], **settings)
    connection = planned.connection
    for division in bench.divisions:
        if limits[0]:
            headers = {
                "X-RateLimit-Minutely-Limit": str(limits[0]),
                "X-RateLimit-Minutely-Remaining": "1",
                "X-RateLimit-Limit": str(limits[1]),
                "X-RateLimit-Remaining": "1",
            }
            connection.budget.learn(division, headers)
        size = Size(division, "journals", "all", 12_000, None, connection.clock())
        list_sizes.note(connection.store, connection.app.key, [size])
    found = estimate(planned.planned, sources.list_sources(planned.planned), WEEK)
    assert found.calls == 400
    assert math.isclose(found.minutes, minutes)
    assert found.days == days


def of(*costs: Cost, days: int = 1) -> Estimate:
    calls = sum(cost.calls for cost in costs)
    division = Division(1, calls, at_least=False, minutes=calls / 60, days=days)
    return Estimate([*costs], [division], calls / 60, days)


def test_advice_names_the_list_that_takes_most() -> None:
    found = of(Cost(1, ("journals",), "j", 80), Cost(1, ("items", "lines"), "i", 320))
    (hint,) = advice(found, has_start_date=False)
    assert hint == (
        "Deselect items and lines if you can do without: take 80% of the calls (320 of 400)."
    )
    assert advice(of(Cost(1, ("journals",), "j", 40)), has_start_date=False) == []


def test_advice_says_what_the_sync_api_saves() -> None:
    found = of(Cost(1, ("accounts",), "crm/Accounts", 300, sync_calls=20))
    (hint,) = advice(found, has_start_date=False)
    assert hint == "Set use_sync_api: accounts would need 20 calls instead of 300."


@pytest.mark.parametrize(
    ("has_start_date", "words"), [(False, "Set start_date"), (True, "Set a later start_date")]
)
def test_advice_for_more_than_a_day(words: str, *, has_start_date: bool) -> None:
    found = of(Cost(1, ("accounts",), "crm/Accounts", 12_000), days=3)
    assert any(hint.startswith(words) for hint in advice(found, has_start_date=has_start_date))
    assert any("it takes 3 days" in hint for hint in advice(found, has_start_date=True))
    changes = of(Cost(1, ("accounts",), "crm/Accounts", 12_000, scope="changes"), days=3)
    assert not any("start_date" in hint for hint in advice(changes, has_start_date=False))


def test_a_run_tells_what_it_took_beside_what_was_expected(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    for told in ("2 API calls", "2 API calls (2 expected)"):
        reader = tap(bench, "accounts", deletes="off")
        reader.run()
        reader.connection.close()
        endpoints = {"1 sync/CRM/Accounts", "1 system/Divisions"}
        (line,) = [text for text in caplog.messages if "API calls" in text]
        start, _, rest = line.rpartition(": ")
        assert start == f"Division {bench.divisions[0]}: {told}"
        assert set(rest.split(", ")) == endpoints
        caplog.clear()


@pytest.mark.parametrize("bench", [{"divisions": 2, "invoices": 2}], indirect=True)
def test_streams_are_read_one_after_the_other(bench: Bench) -> None:
    planned = tap(bench, "journals", "units", divisions=[*bench.divisions])
    connection, (one, two) = planned.connection, bench.divisions
    for division, stream in ((one, "journals"), (two, "units")):
        size = Size(division, stream, "all", 180 * 60, None, connection.clock())
        list_sizes.note(connection.store, connection.app.key, [size])
    assert estimate(planned.planned, sources.list_sources(planned.planned), WEEK).minutes == 6
