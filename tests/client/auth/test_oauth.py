"""The chain of tokens: never lost, never spent twice, never shown."""

from __future__ import annotations

import json
import logging
import signal
import time
from pathlib import Path
from threading import Barrier, Thread
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import sqlalchemy as sa
from typing_extensions import override

from exactonline_client import regions
from exactonline_client.auth import oauth
from exactonline_client.auth.app import App
from exactonline_client.errors import (
    ConfigurationError,
    ExactOnlineError,
    SignInNeeded,
    StoreError,
    Unavailable,
)
from exactonline_client.store.tables import connections
from tests.client.conftest import TOKEN_URL, failing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    import responses

    from exactonline_client.auth.oauth import TokenSource
    from exactonline_client.store.store import Store
    from tests.client.conftest import Clock, Exact, TokenEndpoint

ME = "http://127.0.0.1:9/api/v1/current/Me"
SECRETS = ("my-secret", "seed-", "access-", "refresh-")


def stored(exact: Exact) -> tuple[str | None, str | None]:
    """The pair of tokens that the store holds."""
    mine = connections.c.app == exact.app().key
    with exact.store.transaction() as connection:
        row = connection.execute(sa.select(connections).where(mine)).one()
    return exact.store.decrypt(row.access_token), exact.store.decrypt(row.refresh_token)


def signed(source: TokenSource) -> str:
    request = requests.Request("GET", "http://127.0.0.1:9/api").prepare()
    return str(source(request).headers["Authorization"])


def proven(source: TokenSource, endpoint: TokenEndpoint) -> None:
    """Let a call succeed with the present tokens."""
    endpoint.mock.get(ME, json={})
    requests.get(ME, auth=source, timeout=5)


def lose_lock(store: Store) -> None:
    """Remove the files of locks that are held, so that another process may take them too."""
    for file in store.folder.glob("store.token-*.lock"):
        file.unlink()


def previous(exact: Exact) -> str | None:
    """The refresh token before the present one, while the store keeps it."""
    with exact.store.transaction() as connection:
        query = sa.select(connections.c.previous_refresh_token)
        return exact.store.decrypt(connection.execute(query).scalar_one())


class TestRequest:
    def test_the_app_names_itself_in_the_form(self, exact: Exact, endpoint: TokenEndpoint) -> None:
        endpoint.grant(1)
        assert exact.tokens().access_token() == "access-1"
        (call,) = endpoint.mock.calls
        assert parse_qs(str(call.request.body)) == {
            "grant_type": ["refresh_token"],
            "refresh_token": ["seed-0"],
            "client_id": ["my-client"],
            "client_secret": ["my-secret"],
        }
        assert "Authorization" not in call.request.headers
        assert call.request.headers["Content-Type"] == "application/x-www-form-urlencoded"
        assert call.request.headers["Accept"] == "application/json"

    def test_credentials_of_the_machine_are_not_added(
        self,
        exact: Exact,
        endpoint: TokenEndpoint,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login me password hunter2\n")
        monkeypatch.setenv("NETRC", str(netrc))
        endpoint.grant(1)
        exact.tokens().access_token()
        assert "Authorization" not in endpoint.mock.calls[0].request.headers

    def test_requests_are_signed(self, exact: Exact, endpoint: TokenEndpoint) -> None:
        endpoint.grant(1)
        assert signed(exact.tokens()) == "Bearer access-1"


class TestAge:
    def test_a_token_is_used_for_570_seconds(
        self, exact: Exact, endpoint: TokenEndpoint, clock: Clock
    ) -> None:
        endpoint.grant(1)
        source = exact.tokens()
        source.access_token()
        clock.now += 569.9
        assert source.access_token() == "access-1"
        assert exact.tokens().access_token() == "access-1"
        endpoint.grant(2)
        clock.now += 0.1
        assert source.access_token() == "access-2"
        assert "refresh_token=refresh-1&" in endpoint.forms[1]
        assert stored(exact) == ("access-2", "refresh-2")

    def test_the_age_counts_from_the_answer(
        self, exact: Exact, endpoint: TokenEndpoint, clock: Clock, mock: responses.RequestsMock
    ) -> None:
        def slowly(_: object) -> tuple[int, dict[str, str], str]:
            clock.now += 20
            return 200, {}, '{"access_token": "access-1", "refresh_token": "refresh-1"}'

        mock.add_callback("POST", "http://127.0.0.1:9/api/oauth2/token", slowly)
        source = exact.tokens()
        source.access_token()
        clock.now += 569
        assert source.access_token() == "access-1"
        assert len(endpoint.forms) == 1


class TestSharing:
    def test_a_second_process_uses_what_the_first_one_got(
        self, exact: Exact, endpoint: TokenEndpoint, clock: Clock, open_store: Callable[..., Any]
    ) -> None:
        endpoint.grant(1)
        first = exact.tokens()
        with open_store(exact.store.url.render_as_string()) as other_store:
            second = exact.tokens(store=other_store)
            assert first.access_token() == second.access_token() == "access-1"
            clock.now += 570
            endpoint.grant(2)
            assert second.access_token() == first.access_token() == "access-2"
        assert len(endpoint.forms) == 2

    def test_who_waited_for_the_lock_looks_again(
        self, exact: Exact, endpoint: TokenEndpoint, clock: Clock, mock: responses.RequestsMock
    ) -> None:
        endpoint.grant(1)
        sources = [exact.tokens() for _ in range(4)]
        for source in sources:
            source.access_token()
        clock.now += 580
        start, got = Barrier(4), list[str]()

        def slowly(_: object) -> tuple[int, dict[str, str], str]:
            time.sleep(0.1)
            return 200, {}, '{"access_token": "access-2", "refresh_token": "refresh-2"}'

        mock.add_callback("POST", "http://127.0.0.1:9/api/oauth2/token", slowly)

        def ask(source: TokenSource) -> None:
            start.wait(10)
            got.append(source.access_token())

        threads = [Thread(target=ask, args=(source,)) for source in sources]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert got == ["access-2"] * 4
        assert len(endpoint.forms) == 2

    def test_apps_and_regions_have_chains_of_their_own(self, exact: Exact) -> None:
        app = exact.app()
        others = (
            App(app.region, "another-client", "my-secret"),
            App(regions.resolve("be"), "my-client", "my-secret"),
        )
        assert len({app.key, *(other.key for other in others)}) == 3
        assert App(app.region, "my-client", "a new secret").key == app.key

    def test_a_refused_token_is_renewed_once_for_all(
        self, exact: Exact, endpoint: TokenEndpoint
    ) -> None:
        endpoint.grant(1)
        first, second = exact.tokens(), exact.tokens()
        old = signed(first)
        assert signed(second) == old
        endpoint.grant(2)
        first.renew_refused(old)
        second.renew_refused(old)
        assert signed(first) == signed(second) == "Bearer access-2"
        assert len(endpoint.forms) == 2

    def test_only_the_present_token_is_used_once_more(
        self, exact: Exact, endpoint: TokenEndpoint, clock: Clock
    ) -> None:
        endpoint.grant(1)
        source = exact.tokens()
        assert not source.is_current("Bearer access-1")
        header = signed(source)
        assert source.is_current(header)
        assert not source.is_current("Bearer access-0")
        clock.now += 595
        assert not source.is_current(header)


class TestDurability:
    def test_the_pair_is_stored_before_it_is_used(
        self, exact: Exact, endpoint: TokenEndpoint
    ) -> None:
        endpoint.grant(1)
        exact.tokens().access_token()  # and now the program is cut off
        assert stored(exact) == ("access-1", "refresh-1")
        assert exact.tokens().access_token() == "access-1"
        assert len(endpoint.forms) == 1

    def test_a_pair_that_cannot_be_stored_is_not_used(
        self, exact: Exact, endpoint: TokenEndpoint, clock: Clock
    ) -> None:
        endpoint.grant(1)
        source = exact.tokens()
        source.access_token()
        clock.now += 570
        endpoint.grant(2)
        with failing(exact.store, "connections"), pytest.raises(StoreError, match="disk is full"):
            source.access_token()
        assert stored(exact) == ("access-1", "refresh-1")
        # The old refresh token works as long as its successor was never used.
        endpoint.grant(3)
        assert source.access_token() == "access-3"
        assert "refresh_token=refresh-1&" in endpoint.forms[2]

    @pytest.mark.parametrize("error", [requests.ReadTimeout("late"), requests.ConnectionError()])
    def test_a_lost_answer_is_not_asked_for_again_while_the_token_is_good(
        self,
        error: Exception,
        exact: Exact,
        endpoint: TokenEndpoint,
        mock: responses.RequestsMock,
        clock: Clock,
    ) -> None:
        endpoint.grant(1)
        source = exact.tokens()
        source.access_token()
        clock.now += 570
        mock.post("http://127.0.0.1:9/api/oauth2/token", body=error)
        for _ in range(25):
            assert source.access_token() == "access-1"
            clock.now += 1
        assert len(endpoint.forms) == 2
        mock.post("http://127.0.0.1:9/api/oauth2/token", body=error)
        with pytest.raises(Unavailable, match="did not answer") as caught:
            source.access_token()
        assert caught.value.exit_code == 7
        assert len(endpoint.forms) == 3
        assert stored(exact) == ("access-1", "refresh-1")

    @pytest.mark.parametrize(
        "body",
        [
            b"<html>Welcome to the hotel network</html>",
            b"[]",
            b"null",
            b"{}",
            b'{"access_token": "access-9"}',
            b'{"access_token": null, "refresh_token": null}',
            b'{"access_token": 1, "refresh_token": 2}',
            b'{"access_token": "", "refresh_token": ""}',
            b'{"access_token": "access-9", "refresh_token": ""}',
            b'{"access_token": "access 9", "refresh_token": "refresh-9"}',
            b'{"access_token": "access-9\\r\\n", "refresh_token": "refresh-9"}',
            b'{"access_token": "same", "refresh_token": "same"}',
            b'{"access_token": "access-1", "refresh_token": "refresh-9"}',
        ],
    )
    def test_an_answer_without_new_tokens_changes_nothing(
        self, body: bytes, exact: Exact, endpoint: TokenEndpoint, mock: Any, clock: Clock
    ) -> None:
        endpoint.grant(1)
        source = exact.tokens()
        source.access_token()
        clock.now += 570
        mock.post("http://127.0.0.1:9/api/oauth2/token", body=body)
        assert source.access_token() == "access-1"
        assert stored(exact) == ("access-1", "refresh-1")
        clock.now += 30
        mock.post("http://127.0.0.1:9/api/oauth2/token", body=body)
        with pytest.raises(Unavailable, match="pair of tokens"):
            source.access_token()
        assert stored(exact) == ("access-1", "refresh-1")
        endpoint.grant(2)
        assert source.access_token() == "access-2"


class TestPassingFailure:
    """A token that is good is used on, and the endpoint is asked again a little later."""

    @pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
    def test_of_the_endpoint(  # noqa: PLR0917 - fixtures
        self,
        status: int,
        exact: Exact,
        endpoint: TokenEndpoint,
        mock: Any,
        clock: Clock,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        endpoint.grant(1)
        source = exact.tokens()
        source.access_token()
        clock.now += 570
        mock.post("http://127.0.0.1:9/api/oauth2/token", body="<html>", status=status)
        assert [source.access_token() for _ in range(5)] == ["access-1"] * 5
        assert len(endpoint.forms) == 2
        assert f"HTTP {status}" in caplog.text
        assert "keeps using its present access token, and asks again in 10 s" in caplog.text
        clock.now += 10
        endpoint.grant(2)
        assert source.access_token() == "access-2"

    def test_ends_the_run_when_the_token_is_over(
        self, exact: Exact, endpoint: TokenEndpoint, mock: Any, clock: Clock
    ) -> None:
        endpoint.grant(1)
        source = exact.tokens()
        source.access_token()
        clock.now += 570
        for _ in range(3):
            mock.post("http://127.0.0.1:9/api/oauth2/token", status=503)
        for _ in range(25):
            assert source.access_token() == "access-1"
            clock.now += 1
        mock.post("http://127.0.0.1:9/api/oauth2/token", status=503)
        with pytest.raises(Unavailable, match="HTTP 503"):
            source.access_token()
        assert len(endpoint.forms) == 5

    def test_of_the_network_is_tried_again_as_soon(
        self, exact: Exact, endpoint: TokenEndpoint, mock: Any, clock: Clock
    ) -> None:
        endpoint.grant(1)
        source = exact.tokens()
        source.access_token()
        clock.now += 570
        mock.post("http://127.0.0.1:9/api/oauth2/token", body=requests.ConnectTimeout())
        assert source.access_token() == "access-1"
        clock.now += 10
        endpoint.grant(2)
        assert source.access_token() == "access-2"

    def test_does_not_bring_back_a_token_that_was_refused(
        self, exact: Exact, endpoint: TokenEndpoint, mock: Any
    ) -> None:
        endpoint.grant(1)
        source = exact.tokens()
        header = signed(source)
        mock.post("http://127.0.0.1:9/api/oauth2/token", status=503)
        with pytest.raises(Unavailable, match="HTTP 503"):
            source.renew_refused(header)


class TestLostLock:
    """Two processes renew one chain at once, although each should hold the lock alone."""

    def answering(self, endpoint: TokenEndpoint, store: Store, number: int, then: Any) -> None:
        """Grant a pair, while another process does something before it is stored."""

        def answer(_: object) -> tuple[int, dict[str, str], str]:
            lose_lock(store)
            then()
            body = {"access_token": f"access-{number}", "refresh_token": f"refresh-{number}"}
            return 200, {}, json.dumps(body)

        endpoint.mock.add_callback("POST", TOKEN_URL, answer)

    def test_who_comes_second_uses_what_is_there(
        self, exact: Exact, endpoint: TokenEndpoint, clock: Clock
    ) -> None:
        endpoint.grant(1)
        first, second = exact.tokens(), exact.tokens()
        first.access_token()
        clock.now += 570
        self.answering(endpoint, exact.store, 2, second.access_token)
        endpoint.grant(3)
        assert first.access_token() == "access-3"
        assert stored(exact) == ("access-3", "refresh-3")

    def test_and_its_own_refresh_token_is_tried_in_its_turn(
        self, exact: Exact, endpoint: TokenEndpoint, clock: Clock
    ) -> None:
        endpoint.grant(1)
        first, second = exact.tokens(), exact.tokens()
        first.access_token()
        clock.now += 570
        self.answering(endpoint, exact.store, 2, second.access_token)
        endpoint.grant(3)
        proven(first, endpoint)
        assert previous(exact) == "refresh-2"
        clock.now += 600
        endpoint.refuse(401, "unauthorized_client", "Old refresh token used.")
        endpoint.grant(4)
        assert first.access_token() == "access-4"
        asked = [parse_qs(form)["refresh_token"][0] for form in endpoint.forms[3:]]
        assert asked == ["refresh-3", "refresh-2"]

    def test_a_chain_that_another_began_with_a_new_seed_stays(
        self, exact: Exact, endpoint: TokenEndpoint, clock: Clock
    ) -> None:
        endpoint.grant(1)
        source = exact.tokens()
        source.access_token()
        clock.now += 570
        other = exact.tokens(seed="seed-1")
        self.answering(endpoint, exact.store, 2, other._stored)
        assert source.access_token() == "access-2"
        assert stored(exact) == (None, "seed-1")

    def test_a_spent_refresh_token_is_no_end_where_another_has_renewed(
        self, exact: Exact, endpoint: TokenEndpoint, clock: Clock
    ) -> None:
        endpoint.grant(1)
        first, second = exact.tokens(), exact.tokens()
        proven(first, endpoint)
        clock.now += 600

        def overtaken(_: object) -> tuple[int, dict[str, str], str]:
            lose_lock(exact.store)
            second.access_token()
            body = {"error": "unauthorized_client", "error_description": "Old refresh token used."}
            return 401, {}, json.dumps(body)

        endpoint.mock.add_callback("POST", TOKEN_URL, overtaken)
        endpoint.grant(2)
        assert first.access_token() == "access-2"
        assert len(endpoint.forms) == 3

    def test_nor_where_it_is_just_about_to_store_the_pair(
        self, exact: Exact, endpoint: TokenEndpoint, clock: Clock
    ) -> None:
        def renewed_meanwhile(seconds: float) -> None:
            if seconds:
                lose_lock(exact.store)
                second.access_token()

        endpoint.grant(1)
        first, second = exact.tokens(sleep=renewed_meanwhile), exact.tokens()
        proven(first, endpoint)
        clock.now += 600
        endpoint.refuse(401, "unauthorized_client", "Old refresh token used.")
        endpoint.grant(2)
        assert first.access_token() == "access-2"

    def test_a_proof_does_not_touch_what_another_has_stored(
        self, exact: Exact, endpoint: TokenEndpoint, clock: Clock
    ) -> None:
        endpoint.grant(1)
        first = exact.tokens()
        first.access_token()
        clock.now += 600
        endpoint.grant(2)
        exact.tokens().access_token()
        clock.now -= 600
        proven(first, endpoint)
        assert previous(exact) == "refresh-1"


def test_a_store_that_fails_behind_an_answer_does_not_undo_it(
    exact: Exact, endpoint: TokenEndpoint, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint.grant(1)
    source = exact.tokens()
    source.access_token()
    endpoint.mock.get(ME, json={})
    with failing(exact.store, "connections"):
        assert requests.get(ME, auth=source, timeout=5).ok
    assert "could not be noted. The store" in caplog.text
    assert "disk is full" in caplog.text
    assert previous(exact) == "seed-0"


class TestPreviousRefreshToken:
    """Exact takes the refresh token before until the pair made from it is used."""

    def test_it_is_kept_until_the_new_pair_has_worked(
        self, exact: Exact, endpoint: TokenEndpoint
    ) -> None:
        endpoint.grant(1)
        source = exact.tokens()
        source.access_token()
        assert previous(exact) == "seed-0"
        for status in (401, 500):
            endpoint.mock.get(ME, status=status)
            requests.get(ME, auth=source, timeout=5)
        assert previous(exact) == "seed-0"
        proven(source, endpoint)
        assert previous(exact) is None

    def test_a_process_that_found_the_pair_in_the_store_proves_it_too(
        self, exact: Exact, endpoint: TokenEndpoint
    ) -> None:
        endpoint.grant(1)
        exact.tokens().access_token()
        proven(exact.tokens(), endpoint)
        assert previous(exact) is None

    @pytest.mark.parametrize(
        "refusal",
        [
            (401, "unauthorized_client", "Old refresh token used."),
            (400, "invalid_grant", "Token is not allowed, because of ... chainId"),
        ],
    )
    def test_it_is_tried_where_an_unproven_one_is_refused(
        self,
        refusal: tuple[int, str, str],
        exact: Exact,
        endpoint: TokenEndpoint,
        clock: Clock,
    ) -> None:
        endpoint.grant(1)
        exact.tokens().access_token()
        clock.now += 600
        endpoint.refuse(*refusal)
        endpoint.grant(2)
        assert exact.tokens().access_token() == "access-2"
        asked = [parse_qs(form)["refresh_token"] for form in endpoint.forms]
        assert asked == [["seed-0"], ["refresh-1"], ["seed-0"]]
        assert stored(exact) == ("access-2", "refresh-2")

    def test_it_is_tried_once(self, exact: Exact, endpoint: TokenEndpoint, clock: Clock) -> None:
        endpoint.grant(1)
        exact.tokens().access_token()
        clock.now += 600
        for _ in range(3):
            endpoint.refuse(401, "unauthorized_client", "Old refresh token used.")
        for _ in range(2):
            with pytest.raises(SignInNeeded, match="has been used before"):
                exact.tokens().access_token()
        asked = [parse_qs(form)["refresh_token"] for form in endpoint.forms]
        assert asked == [["seed-0"], ["refresh-1"], ["seed-0"], ["refresh-1"]]

    def test_a_proven_pair_leaves_nothing_to_try(
        self, exact: Exact, endpoint: TokenEndpoint, clock: Clock
    ) -> None:
        endpoint.grant(1)
        proven(exact.tokens(), endpoint)
        clock.now += 600
        endpoint.refuse(401, "unauthorized_client", "Old refresh token used.")
        with pytest.raises(SignInNeeded):
            exact.tokens().access_token()
        assert len(endpoint.forms) == 2

    @pytest.mark.parametrize(
        "refusal",
        [
            (400, "invalid_request", "The refresh token expired at 11/3/2021 2:50:46 PM ..."),
            (400, "invalid_client", "Unknown client"),
            (503, "server_error", "Try later"),
        ],
    )
    def test_other_refusals_do_not_touch_it(
        self,
        refusal: tuple[int, str, str],
        exact: Exact,
        endpoint: TokenEndpoint,
        clock: Clock,
    ) -> None:
        endpoint.grant(1)
        exact.tokens().access_token()
        clock.now += 600
        endpoint.refuse(*refusal)
        with pytest.raises(ExactOnlineError):
            exact.tokens().access_token()
        assert len(endpoint.forms) == 2
        assert previous(exact) == "seed-0"

    def test_a_pair_that_another_process_got_meanwhile_is_not_proven_by_an_old_one(
        self, exact: Exact, endpoint: TokenEndpoint, clock: Clock
    ) -> None:
        endpoint.grant(1)
        source = exact.tokens()
        source.access_token()

        def renewed_elsewhere(_request: object) -> tuple[int, dict[str, str], str]:
            clock.now += 600
            exact.tokens().access_token()
            return 200, {}, "{}"

        endpoint.mock.add_callback("GET", ME, renewed_elsewhere)
        endpoint.grant(2)
        requests.get(ME, auth=source, timeout=5)
        assert stored(exact) == ("access-2", "refresh-2")
        assert previous(exact) == "refresh-1"

    def test_nor_one_that_this_process_got_meanwhile(
        self, exact: Exact, endpoint: TokenEndpoint
    ) -> None:
        endpoint.grant(1)
        source = exact.tokens()
        source.access_token()

        def renewed_here(_request: object) -> tuple[int, dict[str, str], str]:
            source.renew_refused("Bearer access-1")
            return 200, {}, "{}"

        endpoint.mock.add_callback("GET", ME, renewed_here)
        endpoint.grant(2)
        requests.get(ME, auth=source, timeout=5)
        assert previous(exact) == "refresh-1"

    def test_nor_one_that_another_thread_got_at_this_very_moment(
        self, exact: Exact, endpoint: TokenEndpoint
    ) -> None:
        endpoint.grant(1)
        endpoint.grant(2)
        source = exact.tokens()

        class Answer(requests.Response):
            """Looked at when it is known to be one of the present token, and no lock is held."""

            @property
            @override
            def is_redirect(self) -> bool:
                source.renew_refused("Bearer access-1")
                return False

        answer = Answer()
        answer.status_code = 200
        answer.request = source(requests.Request("GET", ME).prepare())
        assert answer.request.headers["Authorization"] == "Bearer access-1"
        for hook in answer.request.hooks["response"]:
            hook(answer)
        assert previous(exact) == "refresh-1"

    @pytest.mark.parametrize(
        ("second", "told"),
        [
            (
                (400, "access_denied", "Rate limit exceeded: access_token not expired"),
                "ten minutes",
            ),
            ((503, "server_error"), "HTTP 503"),
        ],
    )
    def test_it_is_kept_where_it_cannot_be_tried_yet(
        self,
        second: tuple[int, str],
        told: str,
        exact: Exact,
        endpoint: TokenEndpoint,
        clock: Clock,
    ) -> None:
        endpoint.grant(1)
        exact.tokens().access_token()
        clock.now += 600
        endpoint.refuse(401, "unauthorized_client", "Old refresh token used.")
        endpoint.refuse(*second)
        with pytest.raises(Unavailable, match=told):
            exact.tokens().access_token()
        assert previous(exact) == "seed-0"


class TestIdleness:
    @pytest.mark.parametrize("days", [22, 23, 29, 31])
    def test_a_sign_in_that_was_about_to_end_is_told(
        self,
        days: int,
        exact: Exact,
        endpoint: TokenEndpoint,
        clock: Clock,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        endpoint.grant(1)
        exact.tokens().access_token()
        clock.now += days * 86_400 + 60
        endpoint.grant(2)
        exact.tokens().access_token()
        assert (f"was not used for {days} days" in caplog.text) == (days in (23, 29))


class TestConnections:
    def test_two_of_one_app_have_chains_of_their_own(
        self, exact: Exact, endpoint: TokenEndpoint, clock: Clock
    ) -> None:
        for number, name in ((1, "anna"), (2, "bob")):
            endpoint.grant(number)
            exact.tokens(seed=f"seed-{name}", name=name).access_token()
        clock.now += 600
        endpoint.grant(3)
        assert exact.tokens(seed=None, name="anna").access_token() == "access-3"
        assert "refresh_token=refresh-1&" in endpoint.forms[2]

    def test_a_name_comes_from_region_and_client_id(self, exact: Exact) -> None:
        client = "5a0d8f0e-6c0b-4d6e-9a51-0c5a5d6b7e01"
        app = App(regions.resolve("nl"), client, "s")
        assert app.connection_name == "nl-5a0d8f0e"
        local = App(exact.app().region, client, "s")
        assert local.connection_name == "127.0.0.1-9-5a0d8f0e"


class TestRefusals:
    @pytest.mark.parametrize(
        ("refusal", "raised", "text"),
        [
            (
                (401, "unauthorized_client", "Old refresh token used."),
                SignInNeeded,
                "has been used before.*Sign in again",
            ),
            (
                (400, "invalid_request", "The refresh token expired at 11/3/2021 2:50:46 PM ..."),
                SignInNeeded,
                "30 days.*Sign in again",
            ),
            (
                (400, "invalid_grant", "Token is not allowed, because of invalid ... chainId"),
                SignInNeeded,
                "revoked.*Sign in again",
            ),
            ((400, "invalid_request"), Unavailable, "HTTP 400: invalid_request.*few minutes"),
            ((403, "access_denied", "No"), Unavailable, "HTTP 403: access_denied No"),
            ((400, "invalid_client", "Unknown client"), ConfigurationError, "Unknown client"),
            ((401, "unauthorized_client"), ConfigurationError, "client_id and client_secret"),
            ((503, "server_error", "Try later"), Unavailable, "HTTP 503.*few minutes"),
            ((429, "slow_down"), Unavailable, "HTTP 429.*few minutes"),
            ((408, "timeout"), Unavailable, "HTTP 408.*few minutes"),
        ],
        ids=str,
    )
    def test_each_means_one_thing_to_do(
        self,
        refusal: tuple[int, str],
        raised: type[ExactOnlineError],
        text: str,
        exact: Exact,
        endpoint: TokenEndpoint,
    ) -> None:
        endpoint.refuse(*refusal)
        with pytest.raises(raised, match=text) as caught:
            exact.tokens().access_token()
        assert type(caught.value) is raised
        codes = {SignInNeeded: 3, ConfigurationError: 2, Unavailable: 7}
        assert caught.value.exit_code == codes[raised]
        assert len(endpoint.forms) == 1
        assert not any(secret in str(caught.value) for secret in SECRETS)

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 500, 502])
    @pytest.mark.parametrize("body", [b"", b"<html>invalid_client</html>", b'"invalid_client"'])
    def test_what_does_not_name_the_client_is_no_matter_of_settings(
        self, status: int, body: bytes, exact: Exact, mock: Any
    ) -> None:
        mock.post("http://127.0.0.1:9/api/oauth2/token", body=body, status=status)
        with pytest.raises(Unavailable, match=rf"\(HTTP {status}\)") as caught:
            exact.tokens().access_token()
        assert caught.value.exit_code == 7

    def test_redirects_are_not_followed(self, exact: Exact, mock: Any) -> None:
        headers = {"Location": "https://elsewhere.example.com/"}
        mock.post("http://127.0.0.1:9/api/oauth2/token", status=307, headers=headers)
        with pytest.raises(Unavailable, match=r"HTTP 307.*base_url"):
            exact.tokens().access_token()

    def test_without_a_sign_in_nothing_is_asked(self, exact: Exact) -> None:
        with pytest.raises(SignInNeeded, match=r"No sign-in at http://127\.0\.0\.1:9 is stored"):
            exact.tokens(seed=None).access_token()


class TestTooEarly:
    def test_the_present_token_stays_in_use_and_is_not_asked_for_again_at_once(
        self, exact: Exact, endpoint: TokenEndpoint, clock: Clock
    ) -> None:
        endpoint.grant(1)
        source = exact.tokens()
        source.access_token()
        clock.now += 571
        endpoint.refuse_too_early()
        assert [source.access_token() for _ in range(5)] == ["access-1"] * 5
        assert len(endpoint.forms) == 2
        assert stored(exact) == ("access-1", "refresh-1")
        clock.now += 30
        endpoint.grant(2)
        assert source.access_token() == "access-2"

    def test_the_reason_header_says_it_as_well(
        self, exact: Exact, endpoint: TokenEndpoint, clock: Clock, mock: Any
    ) -> None:
        endpoint.grant(1)
        source = exact.tokens()
        source.access_token()
        clock.now += 571
        reason = "TooEarlyToRefreshTokens: Rate limit exceeded: access_token not expired"
        mock.post("http://127.0.0.1:9/api/oauth2/token", status=400, headers={"Reason": reason})
        assert source.access_token() == "access-1"

    def test_a_refused_token_is_not_kept(self, exact: Exact, endpoint: TokenEndpoint) -> None:
        endpoint.grant(1)
        source = exact.tokens()
        header = signed(source)
        endpoint.refuse_too_early()
        with pytest.raises(Unavailable, match="ten minutes"):
            source.renew_refused(header)
        assert stored(exact) == ("access-1", "refresh-1")

    def test_a_new_chain_has_to_wait(self, exact: Exact, endpoint: TokenEndpoint) -> None:
        endpoint.refuse_too_early()
        with pytest.raises(Unavailable, match="Try again in ten minutes"):
            exact.tokens().access_token()
        endpoint.grant(1)
        assert exact.tokens().access_token() == "access-1"
        assert all("refresh_token=seed-0&" in form for form in endpoint.forms)


class TestSeed:
    def test_it_is_used_once(self, exact: Exact, endpoint: TokenEndpoint, clock: Clock) -> None:
        for number in (1, 2, 3):
            endpoint.grant(number)
            exact.tokens(seed="seed-0").access_token()
            clock.now += 600
        used = [parse_qs(form)["refresh_token"] for form in endpoint.forms]
        assert used == [["seed-0"], ["refresh-1"], ["refresh-2"]]

    def test_a_changed_one_replaces_the_chain(
        self, exact: Exact, endpoint: TokenEndpoint, clock: Clock
    ) -> None:
        endpoint.grant(1)
        exact.tokens(seed="seed-0").access_token()
        endpoint.grant(2)
        assert exact.tokens(seed="seed-1").access_token() == "access-2"
        assert "refresh_token=seed-1&" in endpoint.forms[1]
        clock.now += 600
        endpoint.grant(3)
        assert exact.tokens(seed="seed-1").access_token() == "access-3"
        assert "refresh_token=refresh-2&" in endpoint.forms[2]

    @pytest.mark.parametrize("seed", [None, ""])
    def test_none_leaves_the_chain_as_it_is(
        self, seed: str | None, exact: Exact, endpoint: TokenEndpoint
    ) -> None:
        endpoint.grant(1)
        exact.tokens(seed="seed-0").access_token()
        assert exact.tokens(seed=seed).access_token() == "access-1"

    def test_a_changed_one_helps_where_the_key_was_lost(
        self, exact: Exact, endpoint: TokenEndpoint, open_store: Callable[..., Any]
    ) -> None:
        endpoint.grant(1)
        exact.tokens(seed="seed-0").access_token()
        another = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
        with open_store(exact.store.url.render_as_string(), another) as store:
            with pytest.raises(StoreError, match="another key"):
                exact.tokens(seed="seed-0", store=store).access_token()
            endpoint.grant(2)
            assert exact.tokens(seed="seed-1", store=store).access_token() == "access-2"


class TestSignIn:
    def test_a_person_is_sent_to_the_right_page(self, exact: Exact) -> None:
        address = urlsplit(exact.app().authorise_url("https://me.example.com/done", "a state"))
        assert f"{address.scheme}://{address.netloc}{address.path}" == (
            "http://127.0.0.1:9/api/oauth2/auth"
        )
        assert parse_qs(address.query) == {
            "client_id": ["my-client"],
            "redirect_uri": ["https://me.example.com/done"],
            "response_type": ["code"],
            "force_login": ["0"],
            "state": ["a state"],
        }

    def test_the_code_starts_a_chain(self, exact: Exact, endpoint: TokenEndpoint) -> None:
        endpoint.grant(1)
        source = exact.tokens(seed=None)
        source.sign_in("a!code", "https://me.example.com/done")
        assert parse_qs(endpoint.forms[0]) == {
            "grant_type": ["authorization_code"],
            "code": ["a!code"],
            "redirect_uri": ["https://me.example.com/done"],
            "client_id": ["my-client"],
            "client_secret": ["my-secret"],
        }
        assert source.access_token() == "access-1"
        assert exact.tokens(seed=None).access_token() == "access-1"
        assert stored(exact) == ("access-1", "refresh-1")

    def test_a_seed_from_before_does_not_replace_it(
        self, exact: Exact, endpoint: TokenEndpoint
    ) -> None:
        endpoint.grant(1)
        exact.tokens(seed="seed-0").sign_in("code", "https://me.example.com/done")
        assert exact.tokens(seed="seed-0").access_token() == "access-1"

    def test_a_seed_it_did_not_know_of_is_left_in_reserve(
        self, exact: Exact, endpoint: TokenEndpoint, clock: Clock
    ) -> None:
        endpoint.grant(1)
        exact.tokens(seed=None).sign_in("code", "https://me.example.com/done")
        source = exact.tokens(seed="seed-0")
        proven(source, endpoint)
        clock.now += 600
        endpoint.grant(2)
        proven(source, endpoint)
        assert "refresh_token=refresh-1&" in endpoint.forms[1]
        clock.now += 600
        endpoint.refuse(401, "unauthorized_client", "Old refresh token used.")
        endpoint.grant(3)
        assert exact.tokens(seed="seed-0").access_token() == "access-3"
        assert "refresh_token=seed-0&" in endpoint.forms[3]
        clock.now += 600
        endpoint.grant(4)
        assert exact.tokens(seed="seed-0").access_token() == "access-4"
        assert "refresh_token=refresh-3&" in endpoint.forms[4]

    def test_a_new_sign_in_replaces_a_broken_chain(
        self, exact: Exact, endpoint: TokenEndpoint, clock: Clock
    ) -> None:
        endpoint.grant(1)
        proven(exact.tokens(), endpoint)
        clock.now += 600
        endpoint.refuse(401, "unauthorized_client", "Old refresh token used.")
        with pytest.raises(SignInNeeded):
            exact.tokens().access_token()
        endpoint.grant(2)
        exact.tokens().sign_in("code", "https://me.example.com/done")
        assert exact.tokens().access_token() == "access-2"

    def test_a_spent_code_is_told(self, exact: Exact, endpoint: TokenEndpoint) -> None:
        endpoint.refuse(400, "invalid_grant", "The code is spent")
        with pytest.raises(SignInNeeded, match=r"code is spent.*three minutes"):
            exact.tokens().sign_in("code", "https://me.example.com/done")

    def test_a_wrong_secret_is_told(self, exact: Exact, endpoint: TokenEndpoint) -> None:
        endpoint.refuse(400, "invalid_client", "Unknown client")
        with pytest.raises(ConfigurationError, match=r"client secret.*Unknown client.*region"):
            exact.tokens().sign_in("code", "https://me.example.com/done")

    def test_one_too_soon_after_another_is_told(
        self, exact: Exact, endpoint: TokenEndpoint
    ) -> None:
        endpoint.refuse_too_early()
        with pytest.raises(Unavailable, match="ten minutes"):
            exact.tokens().sign_in("code", "https://me.example.com/done")


def test_no_secret_is_logged_or_kept_in_clear(
    exact: Exact, endpoint: TokenEndpoint, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    endpoint.grant(1)
    source = exact.tokens()
    proven(source, endpoint)
    clock.now += 571
    endpoint.refuse_too_early()
    source.access_token()
    clock.now += 600
    endpoint.refuse(401, "unauthorized_client", "Old refresh token used.")
    with pytest.raises(SignInNeeded) as caught:
        source.access_token()
    seen = caplog.text + repr(caught.value) + repr(caught.value.__cause__)
    assert not any(secret in seen for secret in SECRETS)
    exact.store.close()
    files = list(exact.store.folder.iterdir())
    assert Path(exact.store.url.database or "") in files
    kept = b"".join(path.read_bytes() for path in files)
    assert not any(secret.encode() in kept for secret in SECRETS)


def test_the_app_does_not_show_its_secret(exact: Exact) -> None:
    assert "my-secret" not in repr(exact.app())
    assert "access-1" not in repr(oauth.Token("access-1", 0.0))


class TestCtrlC:
    """The answer of the token endpoint holds the only copy of the next refresh token."""

    @pytest.fixture(autouse=True)
    def heard(self) -> Iterator[None]:
        """Programs in the background may have been started with Ctrl-C ignored."""
        former = signal.signal(signal.SIGINT, signal.default_int_handler)
        yield
        signal.signal(signal.SIGINT, former)

    @pytest.fixture
    def interrupted(self, endpoint: TokenEndpoint) -> TokenEndpoint:
        """Ctrl-C is pressed while the endpoint answers."""

        def answer(_: object) -> tuple[int, dict[str, str], str]:
            signal.raise_signal(signal.SIGINT)
            pair = {"access_token": "access-1", "refresh_token": "refresh-1"}
            return 200, {}, json.dumps({**pair, "token_type": "bearer", "expires_in": "600"})

        endpoint.mock.add_callback("POST", TOKEN_URL, answer)
        return endpoint

    @pytest.mark.usefixtures("interrupted")
    def test_new_tokens_are_kept_before_it_ends_the_program(self, exact: Exact) -> None:
        with pytest.raises(KeyboardInterrupt):
            signed(exact.tokens())
        assert stored(exact) == ("access-1", "refresh-1")

    @pytest.mark.usefixtures("interrupted")
    def test_so_are_those_of_a_sign_in(self, exact: Exact) -> None:
        with pytest.raises(KeyboardInterrupt):
            exact.tokens(seed=None).sign_in("code", "https://localhost/callback")
        assert stored(exact) == ("access-1", "refresh-1")

    def test_a_second_one_ends_it_at_once(self, exact: Exact, endpoint: TokenEndpoint) -> None:
        reached = []

        def answer(_: object) -> tuple[int, dict[str, str], str]:
            for number in (1, 2, 3):
                reached.append(number)
                signal.raise_signal(signal.SIGINT)
            raise AssertionError

        endpoint.mock.add_callback("POST", TOKEN_URL, answer)
        with pytest.raises(KeyboardInterrupt):
            signed(exact.tokens())
        assert reached == [1, 2]
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
