"""The one door to the server: what each answer leads to, and what is never sent twice."""

from __future__ import annotations

import logging
import socket
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

from exactonline_client.errors import (
    AccessDenied,
    DailyLimitReached,
    EndpointUnavailable,
    ExactOnlineError,
    InDoubt,
    RequestRefused,
    Unavailable,
    UnexpectedAnswer,
    ValidationFailed,
)
from exactonline_client.http.session import RECHECK_AFTER, TRIES
from exactonline_client.store.clock import CLOCK_TOLERANCE
from tests.client.conftest import failing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import responses

    from exactonline_client.http.session import Session
    from tests.client.conftest import Clock, Exact, TokenEndpoint

PATH = "/api/v1/1/salesinvoice/SalesInvoices"
URL = f"http://127.0.0.1:9{PATH}"
WRITES = ["POST", "PUT", "DELETE"]
BODY = b'{"YourRef": "A-1"}'


def refusal(message: str | None) -> dict[str, Any]:
    return {"error": {"code": "", "message": {"lang": "", "value": message}}}


@pytest.fixture
def session(exact: Exact) -> Session:
    exact.sign_in()
    return exact.session()


def call(session: Session, method: str) -> Any:
    if method == "GET":
        return session.get(PATH, 1)
    return session.write(method, PATH, 1, body=BODY)


class TestRequest:
    def test_a_read_asks_for_json(self, session: Session, mock: responses.RequestsMock) -> None:
        mock.get(URL, json={"d": []})
        assert session.get(PATH, 1).json() == {"d": []}
        request = mock.calls[0].request
        assert request.headers["Authorization"] == "Bearer access-0"
        assert request.headers["Accept"] == "application/json"
        assert "Content-Type" not in request.headers
        assert request.body is None

    def test_a_write_sends_its_body_as_it_is(self, session: Session, mock: Any) -> None:
        mock.post(URL, json={"d": {}}, status=201)
        headers = {"Prefer": "return=representation"}
        assert session.write("POST", PATH, 1, BODY, headers).status_code == 201
        request = mock.calls[0].request
        assert request.body == BODY
        assert request.headers["Content-Type"] == "application/json"
        assert request.headers["Prefer"] == "return=representation"

    def test_headers_can_be_replaced(self, session: Session, mock: Any) -> None:
        mock.get(URL, body="3")
        session.get(PATH, 1, headers={"Accept": "*/*"})
        assert mock.calls[0].request.headers["Accept"] == "*/*"

    def test_a_whole_address_is_used_as_it_is(self, session: Session, mock: Any) -> None:
        mock.get(f"{URL}?$skiptoken=5L", json={"d": []})
        session.get(f"{URL}?$skiptoken=5L", 1)
        assert mock.calls[0].request.url == f"{URL}?$skiptoken=5L"

    @pytest.mark.parametrize("method", ["GET", *WRITES])
    @pytest.mark.parametrize(("seconds", "to_connect"), [(7.5, 7.5), (300.0, 20.0)])
    def test_every_call_has_a_timeout(
        self, method: str, seconds: float, to_connect: float, exact: Exact, mock: Any
    ) -> None:
        exact.sign_in()
        mock.add(method, URL, json={"d": []})
        call(exact.session(timeout=seconds), method)
        assert mock.calls[0].request.req_kwargs["timeout"] == (to_connect, seconds)

    def test_calls_are_counted_by_division(self, session: Session, mock: Any) -> None:
        for _ in range(2):
            mock.get(URL, json={"d": []})
        mock.get("http://127.0.0.1:9/api/v1/current/Me", json={"d": []})
        session.get(PATH, 1)
        session.get(PATH, 1)
        session.get("/api/v1/current/Me", None)
        assert session.usage.calls == {1: 2, None: 1}
        assert (session.usage.total, session.usage.retries) == (3, 0)


class TestUnauthorised:
    """A 401 says that a call was not carried out, so that any may be made again."""

    def signatures(self, mock: Any) -> list[str | None]:
        return [sent.request.headers.get("Authorization") for sent in mock.calls]

    @pytest.mark.parametrize("method", ["GET", *WRITES])
    def test_a_young_token_is_used_once_more(
        self, method: str, session: Session, mock: Any, clock: Clock
    ) -> None:
        mock.add(method, URL, status=401)
        mock.add(method, URL, json={"d": {}})
        assert call(session, method).status_code == 200
        assert self.signatures(mock) == ["Bearer access-0"] * 2
        assert clock.naps == [RECHECK_AFTER]

    @pytest.mark.parametrize("method", ["GET", *WRITES])
    def test_then_a_fresh_one_is_tried_once(
        self, method: str, session: Session, endpoint: TokenEndpoint, mock: Any
    ) -> None:
        mock.add(method, URL, status=401)
        mock.add(method, URL, status=401)
        endpoint.grant(1)
        mock.add(method, URL, json={"d": {}})
        assert call(session, method).status_code == 200
        old, new = "Bearer access-0", "Bearer access-1"
        assert self.signatures(mock) == [old, old, None, new]

    @pytest.mark.parametrize(
        "words", ["access token expired", "The+Access+Token+expired", "access%20token%20expired"]
    )
    def test_one_that_is_said_to_be_over_is_not_used_again(
        self, words: str, session: Session, endpoint: TokenEndpoint, mock: Any, clock: Clock
    ) -> None:
        mock.get(URL, status=401, headers={"WWW-Authenticate": f'Bearer error="{words}"'})
        endpoint.grant(1)
        mock.get(URL, status=401)
        mock.get(URL, json={"d": {}})
        assert session.get(PATH, 1).status_code == 200
        new = "Bearer access-1"
        assert self.signatures(mock) == ["Bearer access-0", None, new, new]
        assert clock.naps == [RECHECK_AFTER]

    def test_nor_is_one_that_is_too_old(
        self, session: Session, endpoint: TokenEndpoint, mock: Any, clock: Clock
    ) -> None:
        def slowly(_: object) -> tuple[int, dict[str, str], str]:
            clock.now += 40
            return 401, {}, ""

        clock.now += 569
        mock.add_callback("GET", URL, slowly)
        endpoint.grant(1)
        mock.get(URL, json={"d": {}})
        assert session.get(PATH, 1).status_code == 200
        assert self.signatures(mock) == ["Bearer access-0", None, "Bearer access-1"]

    def test_a_refused_fresh_token_ends_it(
        self, session: Session, endpoint: TokenEndpoint, mock: Any, naps: list[float]
    ) -> None:
        mock.get(URL, status=401)
        mock.get(URL, status=401)
        endpoint.grant(1)
        mock.get(URL, status=401)
        with pytest.raises(Unavailable, match="fresh access token"):
            session.get(PATH, 1)
        assert len(mock.calls) == 4
        assert naps == []

    def test_so_does_a_token_that_is_refused_twice_and_cannot_be_renewed(
        self, session: Session, endpoint: TokenEndpoint, mock: Any
    ) -> None:
        mock.get(URL, status=401)
        mock.get(URL, status=401)
        endpoint.refuse_too_early()
        with pytest.raises(Unavailable, match=r"it was refused\. Try again in ten minutes"):
            session.get(PATH, 1)


class TestRefusals:
    @pytest.mark.parametrize("method", ["GET", *WRITES])
    @pytest.mark.parametrize(
        ("status", "raised"), [(400, RequestRefused), (403, AccessDenied), (404, RequestRefused)]
    )
    def test_they_are_told_in_exacts_words_and_not_repeated(
        self,
        status: int,
        raised: type[ExactOnlineError],
        method: str,
        session: Session,
        mock: Any,
    ) -> None:
        believed_at = 2 if method == "GET" and status != 404 else 1
        for _ in range(believed_at):
            mock.add(method, URL, status=status, json=refusal("Verplicht: A\r\nVerplicht: B"))
        with pytest.raises(raised, match=f"{method} {PATH}: .*Verplicht: A; Verplicht: B") as found:
            call(session, method)
        assert type(found.value) is raised
        assert found.value.exit_code == (6 if status == 403 else 1)
        assert len(mock.calls) == believed_at
        if isinstance(found.value, RequestRefused):
            assert found.value.status == status
            assert found.value.reason == "Verplicht: A; Verplicht: B"

    def test_the_reason_may_be_in_a_header(self, session: Session, mock: Any) -> None:
        for _ in range(2):
            mock.get(URL, status=400, headers={"Reason": "Error in query syntax."})
        with pytest.raises(RequestRefused, match="Error in query syntax"):
            session.get(PATH, 1)

    @pytest.mark.parametrize("status", [400, 403])
    def test_one_refusal_of_a_read_is_not_believed(
        self, status: int, session: Session, mock: Any, naps: list[float]
    ) -> None:
        mock.get(URL, status=status, json=refusal("No."))
        mock.get(URL, json={"d": []})
        assert session.get(PATH, 1).status_code == 200
        assert len(naps) == session.usage.retries == 1

    def test_the_reason_of_a_denial_is_told_beside_its_words(
        self, session: Session, mock: Any
    ) -> None:
        headers = {"Reason": "LicenseExpired"}
        for _ in range(2):
            mock.get(URL, status=403, json=refusal("Geen toegang"), headers=headers)
        with pytest.raises(AccessDenied, match="403, LicenseExpired, Geen toegang") as found:
            session.get(PATH, 1)
        assert found.value.is_of_division
        assert not AccessDenied("No.", reason="Forbidden").is_of_division

    @pytest.mark.parametrize(
        "body",
        ["", "<html>", "[]", '"text"', '{"error": null}', '{"error": {"message": "text"}}'],
    )
    def test_no_reason_is_no_riddle(self, body: str, session: Session, mock: Any) -> None:
        mock.get(URL, status=404, body=body)
        with pytest.raises(RequestRefused, match="no reason given") as caught:
            session.get(PATH, 1)
        assert caught.value.reason == ""

    @pytest.mark.parametrize("method", ["GET", *WRITES])
    def test_redirects_are_not_followed(self, method: str, session: Session, mock: Any) -> None:
        mock.add(method, URL, status=302, headers={"Location": "https://login.example.com/"})
        with pytest.raises(UnexpectedAnswer, match=r"redirect.*base_url"):
            call(session, method)
        assert len(mock.calls) == 1

    def test_the_query_is_not_repeated_in_messages(self, session: Session, mock: Any) -> None:
        for _ in range(2):
            mock.get(f"{URL}?$filter=Name eq 'Jansen'", status=400)
        with pytest.raises(RequestRefused) as caught:
            session.get(f"{PATH}?$filter=Name eq 'Jansen'", 1)
        assert "Jansen" not in str(caught.value)


class TestFaults:
    @pytest.mark.parametrize("status", [408, 500, 503, 599])
    @pytest.mark.parametrize("body", ["", "<html>"])
    def test_reads_are_tried_again(
        self, status: int, body: str, session: Session, mock: Any, naps: list[float]
    ) -> None:
        for _ in range(TRIES - 1):
            mock.get(URL, status=status, body=body)
        mock.get(URL, json={"d": []})
        assert session.get(PATH, 1).status_code == 200
        assert len(naps) == session.usage.retries == TRIES - 1
        assert all(0 <= nap <= 2**number for number, nap in enumerate(naps))

    def test_reads_are_tried_again_also_with_a_message(
        self, session: Session, mock: Any, naps: list[float], caplog: pytest.LogCaptureFixture
    ) -> None:
        mock.get(URL, status=500, json=refusal("Deadlock"))
        mock.get(URL, json={"d": []})
        session.get(PATH, 1)
        assert len(naps) == 1
        assert f"GET {PATH}: HTTP 500 (Deadlock); trying again in" in caplog.text

    def test_reads_are_given_up_in_the_end(
        self, session: Session, mock: Any, naps: list[float]
    ) -> None:
        for _ in range(TRIES):
            mock.get(URL, status=503)
        with pytest.raises(Unavailable, match="HTTP 503, 5 times in a row") as caught:
            session.get(PATH, 1)
        assert caught.value.exit_code == 7
        assert len(naps) == TRIES - 1

    @pytest.mark.parametrize("method", WRITES)
    def test_a_message_on_a_write_is_a_reason_of_business(
        self, method: str, session: Session, mock: Any
    ) -> None:
        mock.add(method, URL, status=500, json=refusal("Verplicht: Factuur voor\r\n"))
        with pytest.raises(ValidationFailed) as caught:
            call(session, method)
        assert caught.value.reason.startswith("Verplicht: Factuur voor")
        assert caught.value.status == 500
        assert len(mock.calls) == 1

    @pytest.mark.parametrize("method", WRITES)
    @pytest.mark.parametrize("status", [400, 408, 500, 502, 504])
    def test_a_message_that_names_a_fault_leaves_doubt(
        self, method: str, status: int, session: Session, mock: Any
    ) -> None:
        mock.add(method, URL, status=status, json=refusal("Er is een fout opgetreden."))
        with pytest.raises(InDoubt, match=f"HTTP {status} .Er is een fout.*is not known"):
            call(session, method)
        assert len(mock.calls) == 1

    @pytest.mark.parametrize("method", WRITES)
    @pytest.mark.parametrize("status", [408, 500, 503])
    @pytest.mark.parametrize(
        "answer",
        [
            {},
            {"body": "<html>"},
            {"json": refusal("")},
            {"json": refusal(None)},
            {"headers": {"Reason": "Internal Server Error"}},
        ],
        ids=str,
    )
    def test_a_write_without_a_message_is_in_doubt_and_not_repeated(
        self, method: str, status: int, answer: Any, session: Session, mock: Any
    ) -> None:
        mock.add(method, URL, status=status, **answer)
        with pytest.raises(InDoubt, match=f"{method} {PATH}: HTTP {status}.*is not known"):
            call(session, method)
        assert len(mock.calls) == 1


class TestLimits:
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_a_used_up_minute_is_waited_for(
        self, method: str, session: Session, mock: Any, clock: Clock
    ) -> None:
        reset = (clock.now // 60 + 1) * 60
        minutely = {
            "X-RateLimit-Minutely-Limit": "60",
            "X-RateLimit-Minutely-Remaining": "0",
            "X-RateLimit-Minutely-Reset": str(int(reset * 1000)),
        }
        mock.add(method, URL, status=429, headers=minutely)
        mock.add(method, URL, json={"d": {}})
        assert call(session, method).status_code == 200
        assert clock.now == reset + CLOCK_TOLERANCE

    def test_a_used_up_day_ends_it(self, session: Session, mock: Any, clock: Clock) -> None:
        reset = (clock.now // 86_400 + 1) * 86_400
        daily = {
            "X-RateLimit-Limit": "5000",
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": str(int(reset * 1000)),
        }
        mock.get(URL, status=429, headers=daily)
        with pytest.raises(DailyLimitReached) as caught:
            session.get(PATH, 1)
        assert caught.value.reset == reset
        assert len(mock.calls) == 1
        with pytest.raises(DailyLimitReached):
            session.write("POST", PATH, 1, BODY)
        assert len(mock.calls) == 1

    def test_a_block_without_an_end_is_told(self, session: Session, mock: Any) -> None:
        mock.get(URL, status=429)
        with pytest.raises(Unavailable, match="blocks an app for an hour"):
            session.get(PATH, 1)
        assert len(mock.calls) == 1

    @pytest.mark.parametrize(
        "headers",
        [{"X-RateLimit-Limit": "5000"}, {"X-RateLimit-Minutely-Remaining": "7"}],
        ids=["no word of what is left", "calls are left"],
    )
    def test_so_is_one_that_no_limit_explains(
        self, headers: dict[str, str], session: Session, mock: Any
    ) -> None:
        mock.get(URL, status=429, headers=headers)
        with pytest.raises(Unavailable, match="without saying until when") as caught:
            session.get(PATH, 1)
        assert type(caught.value) is Unavailable
        assert len(mock.calls) == 1

    def test_a_program_that_leaves_nothing_is_not_fought_for_ever(
        self, session: Session, mock: Any, clock: Clock
    ) -> None:
        for _ in range(TRIES):
            mock.get(URL, status=429, headers={"X-RateLimit-Minutely-Remaining": "0"})
        with pytest.raises(EndpointUnavailable, match="Another program uses up the same calls"):
            session.get(PATH, 1)
        assert len(clock.naps) == TRIES - 1

    def test_the_servers_clock_is_read_from_every_answer(
        self, session: Session, mock: Any, clock: Clock
    ) -> None:
        there = datetime.fromtimestamp(clock.now + 300, timezone.utc)
        date = {"Date": format_datetime(there, usegmt=True)}
        mock.get("http://127.0.0.1:9/api/v1/current/Me", json={"d": []}, headers=date)
        session.get("/api/v1/current/Me", None)
        assert session._budget.clock.ahead == 300

    def test_an_answer_counts_although_the_store_fails_behind_it(
        self, session: Session, exact: Exact, mock: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        left = {"X-RateLimit-Minutely-Remaining": "59"}
        mock.post(URL, json={"d": {"ID": "1"}}, status=201, headers=left)
        with failing(exact.store, "budgets", "INSERT"):
            assert session.write("POST", PATH, 1, BODY).json() == {"d": {"ID": "1"}}
        assert "could not be noted" in caplog.text

    def test_what_answers_say_is_learnt(self, session: Session, mock: Any, clock: Clock) -> None:
        reset = (clock.now // 60 + 1) * 60
        headers = {
            "X-RateLimit-Minutely-Limit": "60",
            "X-RateLimit-Minutely-Remaining": "0",
            "X-RateLimit-Minutely-Reset": str(int(reset * 1000)),
        }
        mock.get(URL, json={"d": []}, headers=headers)
        mock.get(URL, json={"d": []})
        session.get(PATH, 1)
        assert clock.naps == []
        session.get(PATH, 1)
        assert clock.now == reset + CLOCK_TOLERANCE


@dataclass
class Trouble:
    """A real server that treats each request as told: answer, cut, half or silence."""

    port: int
    ways: list[str]
    seen: list[str] = field(default_factory=list)
    busy: int = 0
    busiest: int = 0
    counting: threading.Lock = field(default_factory=threading.Lock)
    over: threading.Event = field(default_factory=threading.Event)


@contextmanager
def trouble(*ways: str) -> Iterator[Trouble]:
    """The last of the ways is for all further requests too."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with state.counting:
                way = state.ways[min(len(state.seen), len(state.ways) - 1)]
                state.seen.append(self.command)
                state.busy += 1
                state.busiest = max(state.busiest, state.busy)
            getattr(self, way)()
            with state.counting:
                state.busy -= 1

        do_GET = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815 - the base's names

        def answer(self, promised: int = 9) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(promised))
            self.end_headers()
            self.wfile.write(b'{"d": []}')

        def slowly(self) -> None:
            time.sleep(0.05)
            self.answer()

        def cut(self) -> None:
            self.close_connection = True

        def half(self) -> None:
            self.answer(promised=100)
            self.cut()

        def silence(self) -> None:
            state.over.wait(10)
            self.cut()

        @override
        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state = Trouble(server.server_port, list(ways))
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield state
        finally:
            state.over.set()
            server.shutdown()
            thread.join(10)


@contextmanager
def full_port() -> Iterator[int]:
    """A port on which nobody takes a connection, nor refuses one."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0)
            waiting.connect_ex(server.getsockname())
        yield server.getsockname()[1]


@pytest.fixture
def reach(exact: Exact) -> Iterator[Callable[..., Session]]:
    """A signed-in session at a port of this machine."""
    opened: list[Session] = []

    def connect(port: int, timeout: float = 5.0) -> Session:
        exact.base_url = f"http://127.0.0.1:{port}"
        if not opened:
            exact.sign_in()
        opened.append(exact.session(timeout))
        return opened[-1]

    yield connect
    for session in opened:
        session._http.close()


class TestLostAnswers:
    @pytest.mark.parametrize("method", WRITES)
    @pytest.mark.parametrize("way", ["cut", "half", "silence"])
    def test_a_write_is_sent_once_and_in_doubt(
        self, method: str, way: str, reach: Callable[..., Session]
    ) -> None:
        with trouble(way) as server:
            with pytest.raises(InDoubt, match="Whether it was carried out is not known"):
                call(reach(server.port, 0.3), method)
            assert server.seen == [method]

    def test_a_write_on_a_used_connection_is_sent_once_too(
        self, reach: Callable[..., Session]
    ) -> None:
        with trouble("answer", "cut") as server:
            session = reach(server.port)
            call(session, "GET")
            with pytest.raises(InDoubt, match="the connection was cut"):
                call(session, "POST")
            assert server.seen == ["GET", "POST"]

    @pytest.mark.parametrize("way", ["cut", "half", "silence"])
    def test_a_read_is_tried_again(
        self, way: str, reach: Callable[..., Session], naps: list[float]
    ) -> None:
        with trouble(way, way, "answer") as server:
            assert call(reach(server.port, 0.3), "GET").json() == {"d": []}
            assert server.seen == ["GET"] * 3
        assert len(naps) == 2

    @pytest.mark.parametrize("method", WRITES)
    def test_no_connection_is_no_doubt(
        self, method: str, reach: Callable[..., Session], closed_port: int
    ) -> None:
        with pytest.raises(Unavailable, match="Nothing was sent"):
            call(reach(closed_port), method)

    def test_a_connection_that_hangs_is_no_doubt(self, reach: Callable[..., Session]) -> None:
        with full_port() as port, pytest.raises(Unavailable, match="Nothing was sent") as caught:
            call(reach(port, 0.3), "POST")
        assert caught.value.not_carried_out

    def test_no_connection_for_a_read_is_told(
        self, reach: Callable[..., Session], closed_port: int, naps: list[float]
    ) -> None:
        with pytest.raises(Unavailable, match="no connection, 5 times in a row"):
            call(reach(closed_port), "GET")
        assert len(naps) == TRIES - 1


class TestSideBySide:
    def run(self, server: Trouble, reach: Callable[..., Session], divisions: list[int]) -> None:
        sessions = [(reach(server.port), division) for division in divisions]
        threads = [
            threading.Thread(target=session.get, args=("/api/v1/any", division))
            for session, division in sessions
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert len(server.seen) == len(divisions)

    def test_one_request_at_a_time_in_a_division(self, reach: Callable[..., Session]) -> None:
        with trouble("slowly") as server:
            self.run(server, reach, [1, 1, 1, 1])
            assert server.busiest == 1

    def test_divisions_do_not_wait_for_each_other(self, reach: Callable[..., Session]) -> None:
        with trouble("slowly") as server:
            self.run(server, reach, [1, 2, 3, 4])
            assert server.busiest > 1


def test_no_token_is_logged(
    reach: Callable[..., Session], caplog: pytest.LogCaptureFixture, naps: list[float]
) -> None:
    caplog.set_level(logging.DEBUG)
    with trouble("cut", "answer") as server:
        call(reach(server.port), "GET")
    assert naps
    assert "trying again" in caplog.text
    assert "access-0" not in caplog.text
