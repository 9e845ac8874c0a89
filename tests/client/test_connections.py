"""Several connections in one store: which one the settings mean, and what is known of it."""

from __future__ import annotations

from contextlib import closing, nullcontext
from typing import TYPE_CHECKING, Any

import pytest

from exactonline_client import connections
from exactonline_client.connection import connect
from exactonline_client.errors import ConfigurationError, SignInNeeded
from exactonline_client.store import runs
from tests.client.conftest import Exact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from exactonline_client.store.store import Store
    from tests.client.conftest import Clock, TokenEndpoint

BASE = "http://127.0.0.1:9"
MINE = {"base_url": BASE, "client_id": "my-client", "client_secret": "my-secret"}
NAME = "127.0.0.1-9-my-clien"
Settings = dict[str, Any]


@pytest.fixture
def place(tmp_path: Path, key: str) -> Settings:
    return {"store_url": f"sqlite:///{tmp_path / 'store.db'}", "store_key": key}


@pytest.fixture
def add(place: Settings, endpoint: TokenEndpoint) -> Any:
    """Signs in a connection with these settings."""

    def added(number: int, settings: Settings) -> str:
        endpoint.grant(number)
        with closing(connect({**place, "refresh_token": f"seed-{number}", **settings})) as opened:
            opened.tokens.access_token()
            return opened.name

    return added


def meant(place: Settings, **settings: Any) -> tuple[str, str, str, str]:
    with closing(connect({**place, **settings})) as opened:
        app = opened.app
        return opened.name, app.region.base_url, app.client_id, app.client_secret


class TestWhichOne:
    def test_the_only_one_needs_no_settings(self, place: Settings, add: Any) -> None:
        assert add(1, MINE) == NAME
        assert meant(place) == (NAME, BASE, "my-client", "my-secret")
        assert meant(place, connection=NAME) == (NAME, BASE, "my-client", "my-secret")

    def test_a_name_of_ones_own(self, place: Settings, add: Any) -> None:
        assert add(1, {**MINE, "connection": "books"}) == "books"
        assert meant(place, connection="books")[0] == "books"
        assert meant(place, client_id="my-client")[0] == "books"

    def test_the_region_is_the_connections(self, tmp_path: Path, key: str, add: Any) -> None:
        add(1, MINE)
        place = {"store_url": f"sqlite:///{tmp_path / 'store.db'}", "store_key": key}
        with closing(connect({**place, **MINE, "region": "be", "connection": "be"})) as opened:
            assert opened.app.region.code == "be"
        with pytest.raises(ConfigurationError, match="its region is nl"):
            connect({**place, "connection": NAME, "region": "be"})

    @pytest.mark.parametrize("stored", [(), (MINE,)])
    def test_a_wrong_region_is_told_before_what_is_missing(
        self, stored: tuple[Settings, ...], place: Settings, add: Any
    ) -> None:
        for settings in stored:
            add(1, settings)
        with pytest.raises(ConfigurationError, match="region: 'it' is unknown"):
            connect({**place, "region": "it"})
        with pytest.raises(ConfigurationError, match="base_url is not an https address"):
            connect({**place, "base_url": "ftp://example.com"})

    def test_a_new_secret_replaces_the_stored_one(self, place: Settings, add: Any) -> None:
        add(1, MINE)
        assert meant(place, **{**MINE, "client_secret": "new"})[3] == "new"
        add(2, {**MINE, "client_secret": "new"})
        assert meant(place)[3] == "new"

    def test_several_that_fit_are_named(self, place: Settings, add: Any) -> None:
        add(1, {**MINE, "connection": "anna"})
        add(2, {**MINE, "connection": "bob"})
        for settings in ({}, MINE):
            with pytest.raises(ConfigurationError, match=r"Several.*anna, bob.*Set connection"):
                connect({**place, **settings})
        assert meant(place, connection="bob")[0] == "bob"

    def test_of_several_that_fit_an_app_the_one_without_a_given_name_is_meant(
        self, place: Settings, add: Any
    ) -> None:
        add(1, MINE)
        add(2, {**MINE, "connection": "bob"})
        assert meant(place, **MINE)[0] == NAME

    def test_another_app_is_another_connection(self, place: Settings, add: Any) -> None:
        add(1, MINE)
        assert meant(place, **{**MINE, "client_id": "other"})[0] == "127.0.0.1-9-other"

    @pytest.mark.parametrize(
        ("setting", "value"),
        [("client_id", "other"), ("base_url", "http://127.0.0.1:8"), ("region", "fr")],
    )
    def test_a_name_of_another_app_is_refused(
        self, setting: str, value: str, place: Settings, add: Any
    ) -> None:
        add(1, {**MINE, "connection": "books"})
        with pytest.raises(
            ConfigurationError, match=f"books belongs to another app; its {setting}"
        ):
            connect({**place, **MINE, "connection": "books", setting: value})

    def test_a_made_name_of_another_app_is_refused(self, place: Settings, add: Any) -> None:
        add(1, MINE)
        with pytest.raises(ConfigurationError, match="belongs to another app"):
            connect({**place, **MINE, "client_id": "my-client-too"})

    @pytest.mark.parametrize("name", ["", "a/b", "../x", "-x", "x" * 65])
    def test_names_are_checked(self, name: str, place: Settings) -> None:
        if name:
            with pytest.raises(ConfigurationError, match="not a valid name for a connection"):
                connect({**place, **MINE, "connection": name})
        else:
            assert meant(place, connection=name, **MINE)[0] == NAME

    def test_an_unknown_name_needs_an_app(self, place: Settings, add: Any) -> None:
        add(1, MINE)
        with pytest.raises(
            ConfigurationError, match=rf"client_id is missing.*stored: {NAME}.*exactonline connect"
        ):
            connect({**place, "connection": "nobody"})

    def test_one_without_a_sign_in_says_so(self, place: Settings) -> None:
        with (
            closing(connect({**place, **MINE})) as opened,
            pytest.raises(SignInNeeded, match=rf"connection {NAME}.*exactonline connect"),
        ):
            opened.tokens.access_token()

    def test_secrets_are_not_kept_in_clear(self, add: Any, tmp_path: Path) -> None:
        add(1, MINE)
        kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        assert not any(secret in kept for secret in (b"my-secret", b"seed-1", b"refresh-1"))


class TestWhatIsKnown:
    def test_user_and_divisions_are_remembered(
        self, place: Settings, add: Any, endpoint: TokenEndpoint
    ) -> None:
        add(1, MINE)
        row = {"UserID": "u-1", "FullName": "Anna", "CurrentDivision": 7}
        endpoint.mock.get(f"{BASE}/api/v1/current/Me", json={"d": {"results": [row]}})
        with closing(connect(place)) as opened:
            assert opened.me["CurrentDivision"] == 7
            connections.choose_divisions(opened.store, opened.name, [7, 8])
            (account,) = connections.load(opened.store)
            assert (account.user_id, account.user_name) == ("u-1", "Anna")
            assert account.divisions == (7, 8)
            connections.choose_divisions(opened.store, opened.name, None)
            assert connections.load(opened.store)[0].divisions is None
        assert "my-secret" not in repr(account)

    def test_the_days_a_sign_in_has_left(self, both: Store, clock: Clock) -> None:
        exact = Exact(BASE, both, clock)
        exact.sign_in()
        connections.choose_divisions(both, NAME, [7, 8])
        (account,) = connections.load(both)
        assert account.divisions == (7, 8)
        assert account.days_left(clock.now + 86_400) == pytest.approx(29)


@pytest.fixture
def both(store_url: str, open_store: Callable[[str], Any]) -> Iterator[Store]:
    """A store in a file, then one in a database of a server."""
    with open_store(store_url) as opened:
        yield opened


def end_in(error: BaseException | None) -> None:
    if error:
        raise error


class TestRuns:
    def test_they_are_noted_as_they_end(self, both: Store, clock: Clock) -> None:
        for error in (None, SignInNeeded("x"), SystemExit(0), SystemExit("why"), KeyError("x")):
            clock.now += 10
            with (
                pytest.raises(type(error)) if error else nullcontext(),
                runs.recorded(both, "a", "tap-exactonline", lambda: 4, clock),
            ):
                clock.now += 5
                end_in(error)
        found = runs.last(both, "a", 10)
        assert [run.exit_code for run in found] == [1, 1, 0, 3, 0]
        assert {run.calls for run in found} == {4}
        assert found[0].ended_at == clock.now
        assert found[0].started_at == clock.now - 5

    def test_a_run_that_lasts_has_no_end_yet(self, both: Store, clock: Clock) -> None:
        with runs.recorded(both, "a", "tap-exactonline", lambda: 4, clock):
            (run,) = runs.last(both, "a", 10)
        assert (run.ended_at, run.exit_code, run.calls) == (None, None, 0)

    def test_old_ones_are_let_go_of(self, both: Store, clock: Clock) -> None:
        with runs.recorded(both, "b", "tap", int, clock):
            pass
        for number in range(runs.RUNS_KEPT + 5):
            with runs.recorded(both, "a", f"run-{number}", int, clock):
                pass
        kept = runs.last(both, "a", 100)
        assert len(kept) == runs.RUNS_KEPT
        assert kept[0].program == f"run-{runs.RUNS_KEPT + 4}"
        assert len(runs.last(both, "b", 100)) == 1
