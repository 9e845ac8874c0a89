"""What does not answer, or not for this user: no more is left out than has to be."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
import time_machine

from exactonline_client.errors import (
    AccessDenied,
    ConfigurationError,
    DailyLimitReached,
    EndpointUnavailable,
    Incomplete,
    SignInNeeded,
    Unavailable,
    Unreadable,
)
from exactonline_client.http.session import TRIES

if TYPE_CHECKING:
    from tests.tap.conftest import Bench, Outcome

HOUR = 3600
STREAMS = ("accounts", "items", "journals", "units", "vat_codes")
TWO = pytest.mark.parametrize("bench", [{"divisions": 2, "invoices": 8}], indirect=True)
pytestmark = pytest.mark.usefixtures("no_waits")
FOUR = pytest.mark.parametrize("bench", [{"divisions": 4, "invoices": 8}], indirect=True)


def fault(bench: Bench, *paths: str) -> None:
    bench.server.control.faults(
        *({"kind": "status", "status": 503, "path": path} for path in paths)
    )


def let_it_answer(bench: Bench, division: int, status: int) -> None:
    """Let one division answer every call with a status."""
    bench.server.control.faults({"kind": "status", "status": status, "division": division})


def is_complete(bench: Bench, outcome: Outcome, stream: str) -> bool:
    def rows(division: int) -> int:
        return sum(row["Division"] == division for row in outcome.records(stream))

    return all(rows(one) == len(bench.truth(stream, one)) > 0 for one in bench.divisions)


# Endpoints


@FOUR
@pytest.mark.parametrize("kind", [{"kind": "status", "status": 408}, {"kind": "cut"}])
def test_an_endpoint_that_fails_in_all_divisions_is_left_out_in_all(
    bench: Bench, kind: dict[str, Any]
) -> None:
    bench.server.control.faults({**kind, "path": "financial/Journals"})
    outcome = bench.run("journals", "vat_codes", all_divisions=True)
    assert isinstance(outcome.error, Incomplete)
    assert isinstance(outcome.error.reason, EndpointUnavailable)
    assert is_complete(bench, outcome, "vat_codes")


@TWO
def test_a_division_whose_lists_all_fail_is_left_and_the_others_are_read(bench: Bench) -> None:
    up, down = bench.divisions
    let_it_answer(bench, down, 503)
    outcome = bench.run(*STREAMS, divisions=[down, up])
    assert isinstance(outcome.error, Incomplete)
    assert outcome.error.exit_code == 7
    for stream in STREAMS:
        found = [row["Division"] for row in outcome.records(stream)]
        assert found == [up] * len(bench.truth(stream, up))
    lists = {"sync/CRM/Accounts", "sync/Logistics/Items", "financial/Journals"}
    calls = bench.server.control.calls()["calls"]
    assert {call["endpoint"] for call in calls if call["division"] == down} == {
        "sync/Deleted",
        *lists,
    }


def test_deletes_that_cannot_be_seen_keep_no_row_from_being_read(bench: Bench) -> None:
    stream, division = "contacts", bench.divisions[0]
    first = bench.run(stream)
    bench.server.control.changes(division, seed=2, new=0, changed=0, deleted=12)
    fault(bench, "sync/Deleted")
    second = bench.run(stream, "accounts", "items", "gl_accounts", state=first.state)
    assert isinstance(second.error, Incomplete)
    assert "the deleted log" in str(second.error)
    assert len(second.records("gl_accounts")) == len(bench.truth("gl_accounts"))
    fault(bench)
    third = bench.run(stream, state=second.state)
    assert any("_sdc_deleted_at" in row for row in third.records(stream))


@pytest.mark.parametrize(
    ("path", "settings"),
    [
        ("Me", {}),
        ("system/Divisions", {"all_divisions": True}),
        ("sync/CRM/Accounts", {}),
        ("sync/Deleted", {}),
    ],
)
def test_an_answer_that_breaks_off_is_asked_for_again(
    bench: Bench, path: str, settings: dict[str, Any]
) -> None:
    bench.server.control.faults({"kind": "malformed", "path": path, "times": 2})
    outcome = bench.run("accounts", **settings)
    assert outcome.error is None
    assert is_complete(bench, outcome, "accounts")
    assert not bench.server.world.faults.rules()


def test_an_endpoint_whose_answers_all_break_off_is_left_out(bench: Bench) -> None:
    bench.server.control.faults({"kind": "malformed", "path": "financial/Journals"})
    outcome = bench.run("journals", "vat_codes")
    assert isinstance(outcome.error, Incomplete)
    assert isinstance(outcome.error.reason, Unreadable)
    assert outcome.error.exit_code == 7
    assert outcome.calls["financial/Journals"] == TRIES
    assert is_complete(bench, outcome, "vat_codes")


# The list of divisions


def test_a_list_of_divisions_that_fails_is_in_nobodys_way(bench: Bench) -> None:
    fault(bench, "system/Divisions")
    outcome = bench.run("accounts", "vat_codes")
    assert outcome.error is None
    assert len(outcome.records("accounts")) == len(bench.truth("accounts"))


def test_a_denied_list_of_divisions_is_asked_for_once_an_hour(bench: Bench) -> None:
    bench.server.control.switches(denied=["system/Divisions"])
    asked = sum(bench.run("accounts").calls["system/Divisions"] for _run in range(3))
    # The first run has asked twice before it was believed.
    assert asked == 2


@TWO
@pytest.mark.parametrize("denied", [True, False])
def test_all_divisions_that_cannot_be_listed_are_those_of_the_state(
    bench: Bench, *, denied: bool
) -> None:
    first = bench.run("vat_codes", all_divisions=True)
    if denied:
        bench.server.control.switches(denied=["system/Divisions"])
    else:
        fault(bench, "system/Divisions")
    second = bench.run("vat_codes", "journals", state=first.state, all_divisions=True)
    assert isinstance(second.error, Incomplete)
    assert "the list of divisions" in str(second.error)
    assert second.error.exit_code == (6 if denied else 7)
    assert is_complete(bench, second, "journals")


@TWO
def test_the_end_of_the_day_for_the_list_of_divisions_counts_where_it_is_to_fail(
    bench: Bench,
) -> None:
    one, two = bench.divisions
    first = bench.run("vat_codes", divisions=[two])
    bench.server.control.limits(division=one, leave_today=0)
    bench.config["store_url"] += "x"
    bench.sign_in()
    settings: dict[str, Any] = {"all_divisions": True, "on_daily_limit": "fail"}
    second = bench.run("journals", state=first.state, **settings)
    assert isinstance(second.error, DailyLimitReached)
    assert len(second.records("journals")) == len(bench.truth("journals", two))


# Divisions that refuse


@TWO
def test_a_division_that_refuses_everything_is_told_and_closed(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    mine, shut = bench.divisions
    let_it_answer(bench, shut, 403)
    outcome = bench.run(*STREAMS, divisions=[shut, mine])
    assert isinstance(outcome.error, Incomplete)
    assert isinstance(outcome.error.reason, AccessDenied)
    assert f"Division {shut} cannot be read" in caplog.text
    assert caplog.text.count("Skipping") == 2
    for stream in STREAMS:
        assert len(outcome.records(stream)) == len(bench.truth(stream, mine))


@TWO
def test_a_user_with_few_rights_keeps_what_there_is(bench: Bench) -> None:
    bench.server.control.switches(denied=["sync", "financial", "logistics"])
    outcome = bench.run(*STREAMS, all_divisions=True)
    assert outcome.error is None
    assert is_complete(bench, outcome, "vat_codes")


# Rights


def test_rights_that_cannot_be_asked_about_are_asked_about_later(bench: Bench) -> None:
    rights = "users/UserHasRights"
    streams = ("cash_entries", "schedules", "absence_registrations")
    bench.server.control.switches(denied=[rights])
    first = bench.run(*streams)
    assert first.error is None
    assert first.calls[rights] == 2
    assert bench.run(*streams, state=first.state).calls[rights] == 0
    bench.server.control.switches(denied=[])
    with time_machine.travel(time.time() + 2 * HOUR):
        bench.server.control.clock(advance_seconds=2 * HOUR)
        assert bench.run(*streams, state=first.state).calls[rights] == 2


class TestTokens:
    """What passes at the token endpoint, or with a token, does not end a run."""

    def test_a_refusal_of_a_young_token_passes(self, bench: Bench) -> None:
        bench.run("units")
        bench.server.control.faults({"kind": "unauthorized", "path": "crm/Accounts", "times": 1})
        outcome = bench.run("accounts")
        assert outcome.error is None
        assert is_complete(bench, outcome, "accounts")
        assert bench.server.control.calls()["token_calls"] == 0

    @pytest.mark.parametrize(
        "rule",
        [
            {"kind": "status", "status": 403},
            {"kind": "status", "status": 503},
            {"kind": "status", "status": 200, "text": "<html>Please wait</html>"},
            {"kind": "status", "status": 400, "text": '{"error": "temporarily_unavailable"}'},
            {"kind": "malformed"},
            {"kind": "unauthorized"},
            {"kind": "cut"},
            {"kind": "lost"},
            {"kind": "late", "seconds": 5},
        ],
        ids=lambda rule: str(rule.get("text", rule.get("status", rule["kind"]))),
    )
    def test_a_failure_of_the_endpoint_passes_while_the_token_is_good(
        self, rule: dict[str, Any], bench: Bench
    ) -> None:
        bench.run("units")
        bench.server.control.clock(advance_seconds=575)
        bench.server.control.faults({**rule, "path": "token", "times": 1})
        outcome = bench.run("accounts", "items")
        assert outcome.error is None
        assert is_complete(bench, outcome, "accounts")
        assert is_complete(bench, outcome, "items")
        assert bench.server.control.calls()["token_calls"] == 1

    @pytest.mark.parametrize(
        ("rule", "error", "words"),
        [
            ({"status": 400, "text": '{"error": "invalid_client"}'}, ConfigurationError, "secret"),
            ({"status": 400, "text": '{"error": "invalid_grant"}'}, SignInNeeded, "Sign in again"),
            ({"status": 503, "message": "Closed"}, Unavailable, "server_error Closed"),
            ({"status": 503, "reason": "Maintenance"}, Unavailable, "Maintenance"),
            (
                {"status": 200, "text": "<html>Please wait</html>"},
                Unavailable,
                "not a pair of tokens",
            ),
        ],
    )
    def test_a_lasting_refusal_is_told_in_its_words_once_the_token_is_over(
        self, rule: dict[str, Any], error: type[Exception], words: str, bench: Bench
    ) -> None:
        bench.run("units")
        bench.server.control.clock(advance_seconds=900)
        bench.server.control.faults({"kind": "status", "path": "/api/oauth2/token", **rule})
        outcome = bench.run("accounts")
        assert isinstance(outcome.error, error)
        assert words in str(outcome.error)
        bench.server.control.faults()
        assert bench.run("accounts").error is None, "the stored sign-in is unchanged"
