"""Errors of an endpoint: counted for all processes, and stopped before the app is blocked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from exactonline_client.errors import AccessDenied, ErrorLimitReached, RequestRefused, Unavailable
from exactonline_client.http.endpoints import endpoint_of
from exactonline_client.http.error_budget import HOUR, MAX_ERRORS
from exactonline_client.store.tables import connections, errors
from tests.client.conftest import BASE

if TYPE_CHECKING:
    from exactonline_client.http.session import Session
    from exactonline_client.store.store import Store
    from tests.client.conftest import Clock, Exact, TokenEndpoint

PATH = "/api/v1/1/crm/Accounts"
ELSEWHERE = "/api/v1/1/crm/Contacts"


@pytest.fixture
def session(exact: Exact) -> Session:
    exact.sign_in()
    return exact.session()


def fail(session: Session, mock: Any, times: int, path: str = PATH, status: int = 404) -> None:
    division = int(path.split("/")[3])
    for _ in range(times):
        mock.post(BASE + path, status=status)
        with pytest.raises((RequestRefused, AccessDenied)):
            session.write("POST", path, division, b"{}")


def later(exact: Exact, seconds: float) -> None:
    """Let time pass; the access token stays young."""
    exact.clock.now += seconds
    with exact.store.transaction() as connection:
        connection.execute(connections.update().values(received_at=exact.clock.now))


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("/api/v1/1/crm/Accounts", "crm/Accounts"),
        ("/api/v1/1/crm/Accounts?$filter=Name eq 'a(b'", "crm/Accounts"),
        ("/api/v1/1/crm/Accounts(guid'00000000-0000-0000-0000-000000000001')", "crm/Accounts"),
        ("/api/v1/1/salesinvoice/SalesInvoices(guid'1')/SalesInvoiceLines/$count?$top=1",
         "salesinvoice/SalesInvoices"),
        ("/api/v1/1/crm/Accounts/$count", "crm/Accounts"),
        ("/api/v1/beta/1/crm/Things", "crm/Things"),
        ("/api/v1/current/Me", "current/Me"),
        ("https://start.exactonline.nl/api/v1/12/sync/CRM/Accounts?$skiptoken=1L",
         "sync/CRM/Accounts"),
        ("/docs/XMLUpload.aspx?Topic=MatchSets&_Division_=1", "docs/XMLUpload.aspx"),
    ],
)  # fmt: skip
def test_errors_are_counted_by_endpoint(address: str, name: str) -> None:
    assert endpoint_of(address) == name


@pytest.mark.parametrize("status", [400, 403, 404])
def test_the_tenth_failure_is_not_risked(
    status: int, exact: Exact, session: Session, mock: Any, clock: Clock
) -> None:
    first = clock.now
    fail(session, mock, 1, status=status)
    later(exact, 600)
    fail(session, mock, MAX_ERRORS - 1, status=status)
    sent = len(mock.calls)
    with pytest.raises(ErrorLimitReached, match=r"Division 1, crm/Accounts: 9 .*UTC") as caught:
        session.get(PATH, 1)
    assert (caught.value.division, caught.value.endpoint) == (1, "crm/Accounts")
    assert caught.value.until == first + HOUR
    assert caught.value.exit_code == 10
    with pytest.raises(ErrorLimitReached):
        session.write("POST", PATH, 1, b"{}")
    assert len(mock.calls) == sent


def test_it_goes_on_when_the_first_of_them_is_an_hour_old(
    exact: Exact, session: Session, mock: Any
) -> None:
    fail(session, mock, 1)
    later(exact, 600)
    fail(session, mock, MAX_ERRORS - 1)
    later(exact, HOUR - 600)
    fail(session, mock, 1)
    with pytest.raises(ErrorLimitReached):
        session.get(PATH, 1)


def test_other_endpoints_divisions_and_apps_go_on(
    session: Session, mock: Any, clock: Clock
) -> None:
    fail(session, mock, MAX_ERRORS)
    fail(session, mock, MAX_ERRORS, ELSEWHERE)
    fail(session, mock, 1, "/api/v1/2/crm/Accounts")
    mock.get(f"{BASE}/api/v1/1/logistics/Items", json={"d": []})
    assert session.get("/api/v1/1/logistics/Items", 1).status_code == 200
    assert clock.naps == []


def test_processes_count_together(exact: Exact, session: Session, mock: Any) -> None:
    fail(session, mock, 5)
    fail(exact.session(), mock, MAX_ERRORS - 5)
    with pytest.raises(ErrorLimitReached):
        session.get(PATH, 1)


def test_faults_of_the_server_do_not_count(session: Session, mock: Any, store: Store) -> None:
    for status in (500, 429):
        mock.post(BASE + PATH, status=status, json={"error": {"message": {"value": "No"}}})
        with pytest.raises((RequestRefused, Unavailable)):
            session.write("POST", PATH, 1, b"{}")
    mock.get(BASE + PATH, json={"d": []})
    session.get(PATH, 1)
    assert kept(store) == []


def test_an_expired_token_counts(
    session: Session, endpoint: TokenEndpoint, mock: Any, store: Store, clock: Clock
) -> None:
    over = {"WWW-Authenticate": 'Bearer error="access token expired"'}
    mock.get(BASE + PATH, status=401, headers=over)
    endpoint.grant(1)
    mock.get(BASE + PATH, json={"d": []})
    session.get(PATH, 1)
    assert kept(store) == [(1, "crm/Accounts", clock.now)]


def test_calls_that_belong_to_no_division_count_too(session: Session, mock: Any) -> None:
    for _ in range(MAX_ERRORS):
        mock.get(f"{BASE}/api/v1/current/Me", status=403)
    for _ in range(MAX_ERRORS // 2):
        with pytest.raises(AccessDenied):
            session.get("/api/v1/current/Me", None)
    # The second of two calls would have been one too many.
    with pytest.raises(ErrorLimitReached):
        session.get("/api/v1/current/Me", None)
    with pytest.raises(ErrorLimitReached, match=r"^current/Me: 9 calls"):
        session.get("/api/v1/current/Me", None)


def test_old_errors_are_forgotten(exact: Exact, session: Session, mock: Any) -> None:
    fail(session, mock, 3)
    later(exact, HOUR)
    fail(session, mock, 1, ELSEWHERE)
    assert kept(exact.store) == [(1, "crm/Contacts", exact.clock.now)]


def kept(store: Store) -> list[tuple[Any, ...]]:
    with store.transaction() as connection:
        query = sa.select(errors.c.division, errors.c.endpoint, errors.c.at)
        return [tuple(row) for row in connection.execute(query)]
