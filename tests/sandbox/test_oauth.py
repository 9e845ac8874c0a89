from __future__ import annotations

import base64
import html
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from exactonline_sandbox import App, Switches, User

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sandbox.conftest import Api

CALLBACK = "https://example.com/callback"
APP = App()


def authorise(api: Api, decision: str = "allow", **fields: str) -> requests.Response:
    form = {
        "client_id": APP.client_id,
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "state": "xyz",
        "decision": decision,
        **fields,
    }
    return requests.post(
        f"{api.server.base_url}/api/oauth2/auth", data=form, allow_redirects=False, timeout=20
    )


def query_of(answer: requests.Response) -> dict[str, str]:
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    return {name: values[0] for name, values in query.items()}


def ask(api: Api, **fields: str) -> requests.Response:
    form = {"client_id": APP.client_id, "client_secret": APP.client_secret, **fields}
    return requests.post(f"{api.server.base_url}/api/oauth2/token", data=form, timeout=20)


def exchange(api: Api, code: str, **fields: str) -> requests.Response:
    return ask(api, grant_type="authorization_code", code=code, redirect_uri=CALLBACK, **fields)


def refresh(api: Api, token: str) -> requests.Response:
    return ask(api, grant_type="refresh_token", refresh_token=token)


@pytest.fixture
def api(start: Callable[..., Api]) -> Api:
    return start()


def test_page_asks_for_consent_and_keeps_what_was_asked(api: Api) -> None:
    asked = {
        "client_id": APP.client_id,
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "state": 'a"b',
    }
    page = requests.get(f"{api.server.base_url}/api/oauth2/auth", params=asked, timeout=20)
    assert page.status_code == 200
    assert 'value="allow"' in page.text
    assert 'a"b' in html.unescape(page.text)
    assert 'a"b' not in page.text


def test_consent_leads_back_with_a_code_and_the_state(api: Api) -> None:
    answer = authorise(api)
    assert answer.status_code == 303
    assert "%21" in answer.headers["Location"]
    assert query_of(answer)["state"] == "xyz"
    assert "!" in query_of(answer)["code"]


def test_refused_consent_leads_back_with_an_error(api: Api) -> None:
    assert query_of(authorise(api, "deny")) == {"error": "access_denied", "state": "xyz"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "nobody"},
        {"redirect_uri": "https://evil.example.com/"},
        {"response_type": "password"},
        {"user": "nobody"},
        {"decision": ""},
    ],
)
def test_consent_that_cannot_be_right_stays_on_the_page(api: Api, wrong: dict[str, str]) -> None:
    answer = authorise(api, **wrong)
    assert answer.status_code == 400
    assert "Location" not in answer.headers


def test_implicit_grant_puts_the_token_into_the_fragment(api: Api) -> None:
    answer = authorise(api, response_type="token")
    fragment = parse_qs(urlsplit(answer.headers["Location"]).fragment)
    assert fragment["expires_in"] == ["600"]
    assert "refresh_token" not in fragment


def test_code_becomes_a_pair_that_works(api: Api) -> None:
    answer = exchange(api, query_of(authorise(api))["code"])
    tokens = answer.json()
    assert answer.status_code == 200
    assert tokens["expires_in"] == "600"
    assert tokens["token_type"] == "bearer"
    api.session.headers["Authorization"] = f"Bearer {tokens['access_token']}"
    assert api.get("system/Divisions").status_code == 200


def test_code_works_once_and_for_three_minutes(api: Api) -> None:
    code = query_of(authorise(api))["code"]
    assert exchange(api, code).status_code == 200
    assert exchange(api, code).json()["error"] == "invalid_grant"
    late = query_of(authorise(api))["code"]
    api.server.control.clock(advance_seconds=180)
    assert exchange(api, late).status_code == 400


def test_code_needs_its_own_redirect_uri(api: Api) -> None:
    code = query_of(authorise(api))["code"]
    fields = {"grant_type": "authorization_code", "code": code}
    assert ask(api, **fields, redirect_uri="https://other.example.com").status_code == 400


def test_wrong_secret_is_refused(api: Api) -> None:
    answer = exchange(api, query_of(authorise(api))["code"], client_secret="guess")
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_client"


def test_fields_in_json_are_not_read(api: Api) -> None:
    answer = requests.post(
        f"{api.server.base_url}/api/oauth2/token",
        json={"client_id": APP.client_id, "client_secret": APP.client_secret},
        timeout=20,
    )
    assert answer.status_code == 400


def test_a_refresh_before_570_seconds_is_too_early_and_harmless(api: Api) -> None:
    tokens = api.sign_in(renewable=False)
    api.server.control.clock(advance_seconds=569)
    early = refresh(api, tokens["refresh_token"])
    assert early.status_code == 400
    assert early.json() == {
        "error": "access_denied",
        "error_description": "Rate limit exceeded: access_token not expired",
    }
    assert early.headers["Reason"].startswith("TooEarlyToRefreshTokens")
    assert api.get("system/Divisions").status_code == 200
    api.server.control.clock(advance_seconds=1)
    assert refresh(api, tokens["refresh_token"]).status_code == 200


def test_refresh_tokens_rotate_and_a_spent_one_is_refused(api: Api) -> None:
    first = api.sign_in()["refresh_token"]
    api.server.control.clock(advance_seconds=570)
    second = refresh(api, first).json()["refresh_token"]
    assert second != first
    api.server.control.clock(advance_seconds=570)
    spent = refresh(api, first)
    assert spent.status_code == 401
    assert spent.json()["error_description"] == "Old refresh token used."
    assert refresh(api, second).status_code == 200


def test_grace_lets_the_former_token_live_until_the_new_pair_is_used(
    start: Callable[..., Api],
) -> None:
    api = start(switches=Switches(refresh_grace=True))
    first = api.sign_in()["refresh_token"]
    api.server.control.clock(advance_seconds=570)
    lost = refresh(api, first).json()
    api.server.control.clock(advance_seconds=570)
    kept = refresh(api, first)
    assert kept.status_code == 200
    assert kept.json()["refresh_token"] != lost["refresh_token"]
    api.session.headers["Authorization"] = f"Bearer {kept.json()['access_token']}"
    assert api.get("system/Divisions").status_code == 200
    api.server.control.clock(advance_seconds=570)
    assert refresh(api, first).status_code == 401


def test_refresh_token_dies_after_thirty_days(api: Api) -> None:
    token = api.sign_in()["refresh_token"]
    api.server.control.clock(advance_seconds=30 * 86400)
    answer = refresh(api, token)
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"
    assert "3/4/2026" not in answer.json()["error_description"].split(" and ")[0]
    assert "The refresh token expired at 4/3/2026 12:00:05 PM" in answer.text


def test_access_token_ends_after_600_seconds(api: Api) -> None:
    api.server.control.clock(advance_seconds=599)
    assert api.get("system/Divisions").status_code == 200
    api.server.control.clock(advance_seconds=1)
    late = api.get("system/Divisions")
    assert (late.status_code, late.content) == (401, b"")


def test_second_sign_in_of_a_user_ends_the_first(api: Api) -> None:
    first = api.sign_in()["refresh_token"]
    api.server.control.sign_in()
    api.server.control.clock(advance_seconds=570)
    answer = refresh(api, first)
    assert answer.status_code == 400
    assert "invalid or empty chainId" in answer.json()["error_description"]


def test_other_users_and_apps_have_chains_of_their_own(start: Callable[..., Any]) -> None:
    other = User("11111111-2222-4333-8444-555555555555", "Bob", "bob@example.com", (1_700_002,))
    api = start(divisions=2, users=(User(), other))
    tokens = api.sign_in()
    theirs = api.server.control.sign_in(user_id=other.user_id)
    assert api.get("system/Divisions").status_code == 200
    api.session.headers["Authorization"] = f"Bearer {theirs['access_token']}"
    assert api.get("system/Divisions").status_code == 403
    api.division = 1_700_002
    assert [row["Code"] for row in api.rows("system/Divisions")] == [1_700_002]
    assert tokens["refresh_token"] != theirs["refresh_token"]


@pytest.mark.parametrize(("taken", "status"), [(True, 200), (False, 400)])
def test_http_basic_is_a_switch(start: Callable[..., Api], taken: bool, status: int) -> None:  # noqa: FBT001
    api = start(switches=Switches(basic_auth=taken))
    pair = base64.b64encode(f"{APP.client_id}:{APP.client_secret}".encode()).decode()
    answer = requests.post(
        f"{api.server.base_url}/api/oauth2/token",
        data={
            "grant_type": "authorization_code",
            "code": query_of(authorise(api))["code"],
            "redirect_uri": CALLBACK,
        },
        headers={"Authorization": f"Basic {pair}"},
        timeout=20,
    )
    assert answer.status_code == status


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer nonsense", "Basic abc"])
def test_calls_without_a_valid_token_get_401(api: Api, header: str) -> None:
    api.session.headers["Authorization"] = header
    assert api.get("system/Divisions").status_code == 401
    me = requests.get(f"{api.server.base_url}/api/v1/current/Me", timeout=20)
    assert me.status_code == 401


class TestFaults:
    """Rules that name the token endpoint strike it; others leave it alone."""

    def strike(self, api: Api, kind: str, **rule: Any) -> None:
        api.server.control.faults({"kind": kind, "path": "token", "times": 1, **rule})

    def token(self, api: Api) -> str:
        pair = api.server.control.sign_in()
        api.server.control.clock(advance_seconds=600)
        return str(pair["refresh_token"])

    def test_rules_without_a_path_leave_it_alone(self, api: Api) -> None:
        api.server.control.faults({"kind": "status", "status": 503})
        assert refresh(api, self.token(api)).status_code == 200

    @pytest.mark.parametrize(("told", "kind"), [(False, "text/html"), (True, "application/json")])
    def test_a_status(self, api: Api, kind: str, *, told: bool) -> None:
        self.strike(api, "status", status=503, body=told)
        token = self.token(api)
        answer = refresh(api, token)
        assert answer.status_code == 503
        assert answer.headers["Content-Type"].startswith(kind)
        assert refresh(api, token).status_code == 200

    def test_a_status_behind_a_request_that_was_handled(self, api: Api) -> None:
        self.strike(api, "status", status=502, handled=True)
        token = self.token(api)
        assert refresh(api, token).status_code == 502
        assert refresh(api, token).json()["error_description"] == "Old refresh token used."

    @pytest.mark.parametrize(("kind", "status"), [("cut", 200), ("lost", 401)])
    def test_no_answer(self, api: Api, kind: str, status: int) -> None:
        self.strike(api, kind)
        token = self.token(api)
        with pytest.raises(requests.ConnectionError):
            refresh(api, token)
        assert refresh(api, token).status_code == status

    def test_a_pair_that_is_empty(self, api: Api) -> None:
        self.strike(api, "malformed")
        body = refresh(api, self.token(api)).json()
        assert (body["access_token"], body["refresh_token"]) == ("", "")


@pytest.mark.parametrize("told", [True, False])
def test_a_token_that_has_run_out_is_told(start: Callable[..., Api], *, told: bool) -> None:
    api = start(switches=Switches(tells_expired_tokens=told))
    assert "WWW-Authenticate" not in api.get("crm/Accounts", Authorization="Bearer x").headers
    api.server.control.clock(advance_seconds=600)
    answer = api.get("crm/Accounts")
    assert answer.status_code == 401
    assert ("expired" in answer.headers.get("WWW-Authenticate", "")) == told
