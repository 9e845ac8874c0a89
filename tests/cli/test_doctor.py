"""`exactonline doctor` against the sandbox, whose switches decide what an account shows."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pytest

from exactonline_cli.doctor.assumptions import ASSUMPTIONS, FAILS, HOLDS, NOT_SEEN
from exactonline_cli.doctor.calls import MOST
from exactonline_client import catalogue
from exactonline_client.store.store import Store
from exactonline_client.store.tables import connections
from exactonline_sandbox import Sandbox, SandboxConfig
from exactonline_sandbox.config import Switches
from tests.cli.test_commands import sign_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from click.testing import Result

    from exactonline_sandbox import Server

    Doctor = Callable[..., dict[str, Any]]

pytestmark = pytest.mark.timeout(120)
NL, BE = 1_700_001, 1_700_002
LONG = 4
"""Length from which a text is looked for in a report; shorter ones are in any text."""

POSITIONS: list[tuple[str, Any, str, int]] = [
    ("mandatory_filtering", True, FAILS, NL),
    ("select_required", ("*",), FAILS, NL),
    ("refuse_skip", True, FAILS, NL),
    ("bare_unpaged", True, FAILS, NL),
    ("expand", False, FAILS, NL),
    ("bulk_expand", False, FAILS, NL),
    ("header_row_id", "own", FAILS, NL),
    ("shuffle_sync_pages", True, FAILS, NL),
    ("sync_timestamp_names", ("Accounts",), FAILS, NL),
    ("removed_columns", ("vat/VATCodes.Description",), FAILS, NL),
    ("denied", ("crm/Contacts",), FAILS, NL),
    ("xml_api", False, FAILS, NL),
    ("sync_sales_sign", "negated", FAILS, NL),
    ("json_layout", "compact", FAILS, NL),
    ("zoned_literals", True, FAILS, NL),
    ("sync_needs_select", False, FAILS, NL),
    ("refused_for", "LicenseExpired", FAILS, NL),
    ("app_scopes", ("Sales orders",), FAILS, NL),
    ("error_limit", False, NOT_SEEN, NL),
    ("late_commits", 30.0, NOT_SEEN, NL),
    ("move_keeps_order", False, NOT_SEEN, NL),
    ("honour_client_keys", True, NOT_SEEN, NL),
    ("strict_mandatory", True, NOT_SEEN, NL),
    ("longest_reference", 10, NOT_SEEN, NL),
    ("long_reference", "refused", NOT_SEEN, NL),
    ("kept_reference", "upper", NOT_SEEN, NL),
    ("xml_tells_successes", False, NOT_SEEN, NL),
    ("closed_until", "2025-12", NOT_SEEN, NL),
    ("credit_note_sign", "negated", NOT_SEEN, NL),
    ("basic_auth", False, NOT_SEEN, NL),
    ("refresh_grace", True, NOT_SEEN, NL),
    ("background_seconds", 5.0, NOT_SEEN, NL),
]
"""A switch, the position that is not its default, and the verdict; both divisions have books."""
UNAUTHORISED = 401
DAYS = [
    *({"seed": seed, "new": 1, "changed": 0, "deleted": 0} for seed in range(12)),
    *({"seed": seed, "new": 0, "changed": 2, "deleted": 0} for seed in range(12)),
    *({"seed": seed, "new": 0, "changed": 0, "deleted": 1} for seed in range(4)),
]
"""New invoices, then a header and a line changed each time, then deleted invoices."""
ELSEWHERE = {
    "tells_removed_columns",
    "denied_answer",
    "tells_expired_tokens",
    "line_touches_header",
    "log_deleted_lines",
    "vat_line_number",
    "posts_year_end",
}
"""Switches that have a test of their own."""


@pytest.fixture(scope="module")
def books() -> Iterator[Server]:
    """Full books of a Dutch and a Belgian company, with a day of business after a year's work."""
    config = SandboxConfig(
        seed=3, invoices=40, divisions=2, minutely_limit=98_765, daily_limit=87_654
    )
    with Sandbox(config).running() as running:
        yield running


@pytest.fixture
def doctor(books: Server, command: Callable[..., Result], store_url: str) -> Iterator[Doctor]:
    """Runs the check-up with switches, which are set back afterwards."""
    del store_url
    yield runner(books, command)
    defaults = {item.name: getattr(Switches(), item.name) for item in fields(Switches)}
    books.control.switches(**defaults)


def runner(server: Server, command: Callable[..., Result]) -> Doctor:
    def run(*options: str, code: int = 0, **switches: Any) -> dict[str, Any]:
        if switches:
            server.control.switches(**switches)
        settings = server.settings()
        server.control.clock(advance_seconds=4000)  # the errors of an hour ago are forgotten
        environment = {
            f"EXACTONLINE_{name.upper()}": str(settings[name])
            for name in ("base_url", "client_id", "client_secret", "refresh_token")
        }
        server.control.reset_calls()
        done = command("doctor", "--json", *options, **environment)
        assert done.exit_code == code, done.output
        made = server.control.calls()["calls"]
        assert {call["method"] for call in made} == {"GET"}
        found: dict[str, Any] = json.loads(done.stdout)
        assert sum(call["count"] for call in made) == found["calls"] <= MOST
        return found

    return run


def verdicts(found: dict[str, Any]) -> dict[str, str]:
    return {item["name"]: item["verdict"] for item in found["assumptions"]}


def test_every_switch_is_an_assumption_and_has_a_test() -> None:
    switches = {item.name for item in fields(Switches)}
    assert switches <= {item.name for item in ASSUMPTIONS}
    assert switches == {name for name, *_ in POSITIONS} | ELSEWHERE


def test_the_defaults_of_the_sandbox_hold(doctor: Doctor) -> None:
    found = doctor()
    assert FAILS not in verdicts(found).values(), [
        item for item in found["assumptions"] if item["verdict"] == FAILS
    ]
    held = {name for name, verdict in verdicts(found).items() if verdict == HOLDS}
    readable = {name for name, _, verdict, _ in POSITIONS if verdict == FAILS}
    assert readable <= held
    assert {item["name"] for item in found["checks"]} == {
        "store", "key", "files", "versions", "sign-in", "clock", "divisions", "rights", "limits",
    }  # fmt: skip
    wrong = {item["name"] for item in found["checks"] if item["result"] != "ok"}
    assert wrong == {"clock"}  # that of the sandbox was set forward


@pytest.mark.parametrize(("switch", "value", "verdict", "division"), POSITIONS)
def test_a_switch_is_told_apart(
    doctor: Doctor, switch: str, value: Any, verdict: str, division: int
) -> None:
    code = 6 if switch == "refused_for" else 0
    found = doctor("--division", str(division), code=code, **{switch: value})
    assert verdicts(found)[switch] == verdict
    if verdict == NOT_SEEN:
        (why,) = [item["why"] for item in found["assumptions"] if item["name"] == switch]
        assert why


def test_names_of_removed_columns(doctor: Doctor) -> None:
    assert verdicts(doctor())["tells_removed_columns"] == NOT_SEEN
    removed = {"removed_columns": ("vat/VATCodes.Description",)}
    assert verdicts(doctor(**removed))["tells_removed_columns"] == HOLDS
    silent = doctor(tells_removed_columns=False, **removed)
    assert verdicts(silent)["tells_removed_columns"] == FAILS


def test_lists_without_rights(doctor: Doctor) -> None:
    assert verdicts(doctor())["denied_answer"] == NOT_SEEN
    refused = doctor(denied=("crm/Contacts",))
    assert verdicts(refused)["denied_answer"] == HOLDS
    assert refused["rights"]["contacts"] is False
    assert refused["rights"]["accounts"] is True
    empty = doctor(denied=("crm/Contacts",), denied_answer="empty")
    assert verdicts(empty)["denied_answer"] == FAILS
    assert empty["rights"]["contacts"] is False


@pytest.mark.parametrize(("position", "verdict"), [(True, HOLDS), (False, FAILS)])
def test_expired_tokens(
    doctor: Doctor,
    books: Server,
    command: Callable[..., Result],
    store_url: str,
    *,
    position: bool,
    verdict: str,
) -> None:
    first = doctor(tells_expired_tokens=position)
    assert verdicts(first)["tells_expired_tokens"] == NOT_SEEN
    books.control.clock(advance_seconds=4000)
    with closing(Store(store_url)) as store, store.transaction() as transaction:
        transaction.execute(
            connections.update().values(received_at=connections.c.received_at - 4000)
        )
    again = json.loads(command("doctor", "--json").stdout)
    assert verdicts(again)["tells_expired_tokens"] == verdict
    assert verdicts(again)["empty_401"] == HOLDS
    assert again["calls"] <= MOST


@pytest.mark.parametrize(
    ("switch", "default", "other"),
    [
        ("vat_line_number", "9999", "next"),
        ("line_touches_header", True, False),
        ("log_deleted_lines", True, False),
        ("posts_year_end", ("BE",), ("NL",)),
    ],
)
def test_what_only_fresh_books_show(
    command: Callable[..., Result], switch: str, default: Any, other: Any
) -> None:
    found = {}
    for value in (default, other):
        switches = Switches(**{switch: value})
        config = SandboxConfig(seed=3, invoices=40, minutely_limit=100_000, switches=switches)
        with Sandbox(config).running() as server:
            for day in DAYS:
                server.control.clock(advance_seconds=300)
                server.control.changes(server.divisions[0], **day)
            found[value] = verdicts(runner(server, command)())[switch]
    assert found == {default: HOLDS, other: FAILS}


def test_a_report_has_shapes_and_no_value_of_the_company(
    doctor: Doctor, books: Server, tmp_path: Path
) -> None:
    path = tmp_path / "report.json"
    doctor("--report", str(path))
    text = path.read_text(encoding="utf-8")
    report = json.loads(text)
    assert len(report["assumptions"]) == len(ASSUMPTIONS)
    columns = {name for answer in report["answers"] for name in answer["columns"]}
    documented = {
        name for endpoint in catalogue.load().endpoints.values() for name in endpoint.properties
    }
    assert columns <= documented | {"__metadata"}
    for answer in report["answers"]:
        answer["columns"] = sorted({kind for kinds in answer["columns"].values() for kind in kinds})
    text = json.dumps(report)
    assert {"InvoiceID", "AmountDC", "Code", "Timestamp"} <= columns
    assert all(str(division) not in text for division in books.divisions)
    words = {word.strip('"') for word in text.replace("\\n", " ").split('"')}
    for value in values(books):
        assert value not in words, value
        if len(value) >= 2 * LONG and not value.isdigit():
            assert value not in text, value


def values(books: Server) -> set[str]:
    """All texts, codes, guids and amounts of the tables that the check-up reads, and of users."""
    found: set[str] = {user.name for user in books.world.config.users}
    for company in (books.world.company(code) for code in books.divisions):
        for table in company.tables().values():
            for row in table.rows.values():
                found |= {str(value).strip() for value in row.values() if _is_value(value)}
    return found


def _is_value(value: Any) -> bool:
    return not isinstance(value, bool) and value is not None and len(str(value).strip()) >= LONG


def test_a_sign_in_that_ended_is_reported_with_its_exit_code(
    books: Server, command: Callable[..., Result], doctor: Doctor
) -> None:
    doctor()
    books.control.revoke()
    books.control.expire_access_tokens()
    done = command("doctor")
    assert done.exit_code == 3
    assert "sign-in" in done.output
    assert "failed" in done.output
    assert "API call" in done.output


def test_a_revoked_sign_in_costs_few_errors_and_the_next_one_works(
    command: Callable[..., Result], server: Server, store_url: str
) -> None:
    sign_in(server, store_url)
    server.control.revoke()
    server.control.expire_access_tokens()
    server.control.reset_calls()
    for _ in range(6):
        assert command("doctor").exit_code == 3
    refused = [call for call in server.control.calls()["calls"] if call["status"] == UNAUTHORISED]
    assert sum(call["count"] for call in refused) == 1
    (facts,) = json.loads(command("status", "--json").stdout)["connections"]
    assert {run["exit_code"] for run in facts["runs"]} == {3}
    sign_in(server, store_url)
    assert command("doctor").exit_code == 0
