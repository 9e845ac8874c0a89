"""The call budget: learnt from headers, shared by processes, never overdrawn."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import format_datetime
from itertools import count
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typing_extensions import override

from exactonline_client.errors import DailyLimitReached, ErrorLimitReached
from exactonline_client.http import rate_limit as limits_module
from exactonline_client.http.error_budget import HOUR, MAX_ERRORS
from exactonline_client.http.rate_limit import Budget
from exactonline_client.store.clock import CLOCK_TOLERANCE, ServerClock
from exactonline_client.store.tables import budgets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from exactonline_client.store.store import Store
    from tests.client.conftest import Clock, Exact

NOON = datetime(2026, 6, 25, 12, 0, 10, tzinfo=timezone.utc).timestamp()
MINUTE_END = NOON + 50
DAY_END = datetime(2026, 6, 26, tzinfo=timezone.utc).timestamp()
APP = "app"
# Examples share a store, which is slow to make, and take an app of their own in it.
NUMBERS = count()
SHARED_STORE = [HealthCheck.function_scoped_fixture]


@dataclass
class Server:
    """Counts calls in clock minutes and in days of UTC, by its own clock."""

    clock: Callable[[], float]
    minute_limit: int = 60
    day_limit: int = 5000
    ahead: float = 0.0
    used: dict[tuple[str, int], int] = field(default_factory=dict)
    statuses: list[int] = field(default_factory=list)

    def call(self) -> Mapping[str, str]:
        """Answer one call: its headers; the status is kept in `statuses`."""
        now = self.clock() + self.ahead
        headers = {"Date": http_date(int(now))}
        windows = (("Minutely-", 60, self.minute_limit), ("", 86_400, self.day_limit))
        keys = [(prefix, int(now // length)) for prefix, length, _ in windows]
        for (prefix, length, limit), key in zip(windows, keys, strict=True):
            if self.used.get(key, 0) >= limit:
                self.statuses.append(429)
                return headers | self._window(prefix, length, limit, key)
        self.statuses.append(200)
        for (prefix, length, limit), key in zip(windows, keys, strict=True):
            self.used[key] = self.used.get(key, 0) + 1
            headers |= self._window(prefix, length, limit, key)
        return headers

    def _window(self, prefix: str, length: int, limit: int, key: tuple[str, int]) -> dict[str, str]:
        return {
            f"X-RateLimit-{prefix}Limit": str(limit),
            f"X-RateLimit-{prefix}Remaining": str(limit - self.used.get(key, 0)),
            f"X-RateLimit-{prefix}Reset": str((key[1] + 1) * length * 1000),
        }


def http_date(moment: float) -> str:
    return format_datetime(datetime.fromtimestamp(moment, timezone.utc), usegmt=True)


def limits(
    minute: object = None, day: object = None, minute_reset: object = None, day_reset: object = None
) -> dict[str, str]:
    """Headers that say what is left; what is None is not sent."""
    headers = {
        "X-RateLimit-Minutely-Limit": None if minute is None else 60,
        "X-RateLimit-Minutely-Remaining": minute,
        "X-RateLimit-Minutely-Reset": minute_reset,
        "X-RateLimit-Limit": None if day is None else 5000,
        "X-RateLimit-Remaining": day,
        "X-RateLimit-Reset": day_reset,
    }
    return {name: str(value) for name, value in headers.items() if value is not None}


def kept(store: Store, division: int = 1) -> Any:
    with store.transaction() as connection:
        return connection.execute(
            sa.select(budgets).where(budgets.c.division == division)
        ).one_or_none()


def call(budget: Budget, division: int, server: Server | None = None) -> None:
    """One call; what the server's answer says is learnt."""
    with budget.turn(division, "crm/Accounts"):
        if server:
            budget.learn(division, server.call())


@pytest.fixture
def budget(store: Store, clock: Clock) -> Budget:
    clock.now = NOON
    return Budget(store, APP, clock=ServerClock(clock), sleep=clock.sleep)


def wake_up(_: float) -> None:
    """Instead of sleeping."""
    raise InterruptedError


class TestHeaders:
    @pytest.mark.parametrize("unit", [1000, 1], ids=["milliseconds", "seconds"])
    def test_all_six_are_understood(self, unit: int, budget: Budget, store: Store) -> None:
        budget.learn(1, limits(58, 4766, int(MINUTE_END * unit), int(DAY_END * unit)))
        assert kept(store)[1:] == (1, 60, 58, MINUTE_END, 5000, 4766, DAY_END)

    def test_those_of_one_window_leave_the_other_as_it_was(
        self, budget: Budget, store: Store
    ) -> None:
        budget.learn(1, limits(58, 4766, MINUTE_END * 1000, DAY_END * 1000))
        budget.learn(1, limits(minute=0, minute_reset=MINUTE_END * 1000))
        assert kept(store)[2:8] == (60, 0, MINUTE_END, 5000, 4766, DAY_END)
        budget.learn(1, limits(day=0, day_reset=DAY_END * 1000))
        assert kept(store)[2:8] == (60, 0, MINUTE_END, 5000, 0, DAY_END)

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"Date": "Thu, 25 Jun 2026 12:00:00 GMT"},
            {"X-RateLimit-Limit": "5000"},
            limits("many", "NaN", "soon", ""),
            limits("-1", "inf", "-inf", "1e999"),
        ],
        ids=str,
    )
    def test_what_says_nothing_changes_nothing(
        self, headers: dict[str, str], budget: Budget, store: Store
    ) -> None:
        budget.learn(1, headers)
        assert kept(store) is None
        budget.learn(1, limits(5, 6, MINUTE_END * 1000, DAY_END * 1000))
        before = kept(store)
        budget.learn(1, headers)
        assert kept(store)[2:] == before[2:]

    def test_an_account_without_limit_fits_in_the_store(self, budget: Budget, store: Store) -> None:
        budget.learn(1, limits(day=2**63 - 1, day_reset=DAY_END * 1000))
        call(budget, 1)
        assert kept(store).day_remaining == 2**31 - 2

    @given(
        headers=st.dictionaries(
            st.sampled_from(["Date", *sorted(limits(1, 1, 1, 1))]),
            st.one_of(st.text(max_size=20), st.integers().map(str), st.floats().map(str)),
        )
    )
    @settings(max_examples=60, deadline=None, suppress_health_check=SHARED_STORE)
    def test_no_header_does_harm(self, headers: dict[str, str], store: Store) -> None:
        budget = Budget(store, str(next(NUMBERS)), clock=ServerClock(lambda: NOON), sleep=wake_up)
        budget.learn(1, headers)
        with suppress(DailyLimitReached, InterruptedError):
            call(budget, 1)


class TestMinute:
    def test_the_first_call_needs_no_knowledge(self, budget: Budget, clock: Clock) -> None:
        call(budget, 1)
        assert clock.naps == []

    def test_a_used_up_minute_is_waited_for(
        self, budget: Budget, clock: Clock, store: Store
    ) -> None:
        budget.learn(1, limits(2, 100, MINUTE_END * 1000, DAY_END * 1000))
        call(budget, 1)
        call(budget, 1)
        assert clock.naps == []
        assert kept(store).minute_remaining == 0
        call(budget, 1)
        assert clock.naps == [50 + CLOCK_TOLERANCE]
        assert budget.waited == 50 + CLOCK_TOLERANCE
        assert kept(store)[2:7] == (60, 59, MINUTE_END + 60, 5000, 97)

    def test_other_divisions_are_not_held_up(self, budget: Budget, clock: Clock) -> None:
        budget.learn(1, limits(0, 0, MINUTE_END * 1000, DAY_END * 1000))
        call(budget, 2)
        assert clock.naps == []

    def test_other_apps_are_not_held_up(self, budget: Budget, clock: Clock, store: Store) -> None:
        budget.learn(1, limits(0, 0, MINUTE_END * 1000, DAY_END * 1000))
        call(Budget(store, "another", clock=ServerClock(clock), sleep=clock.sleep), 1)
        assert clock.naps == []

    def test_an_end_that_is_not_told_is_that_of_the_minute(
        self, budget: Budget, clock: Clock
    ) -> None:
        budget.learn(1, {**limits(minute=0), "Date": http_date(NOON + 30)})
        call(budget, 1)
        assert clock.now == MINUTE_END - 30 + CLOCK_TOLERANCE

    def test_or_of_the_day(self, budget: Budget) -> None:
        budget.learn(1, limits(day=0))
        with pytest.raises(DailyLimitReached) as caught:
            call(budget, 1)
        assert caught.value.reset == DAY_END


class TestDay:
    def test_a_used_up_day_ends_the_run(self, budget: Budget, clock: Clock) -> None:
        budget.learn(1, limits(day=1, day_reset=DAY_END * 1000))
        call(budget, 1)
        with pytest.raises(DailyLimitReached, match=r"Division 1: the 5000 calls.*") as caught:
            call(budget, 1)
        assert "2026-06-26 00:00 UTC" in str(caught.value)
        assert (caught.value.division, caught.value.reset) == (1, DAY_END)
        assert caught.value.exit_code == 4
        assert clock.naps == []

    def test_it_starts_anew_at_midnight_utc(
        self, budget: Budget, clock: Clock, store: Store
    ) -> None:
        budget.learn(1, limits(day=0, day_reset=DAY_END * 1000))
        clock.now = DAY_END + CLOCK_TOLERANCE
        call(budget, 1)
        assert (kept(store).day_remaining, kept(store).day_reset) == (4999, DAY_END + 86_400)

    def test_the_reserve_is_left_to_others(self, store: Store, clock: Clock) -> None:
        clock.now = NOON
        budget = Budget(store, APP, daily_reserve=100, clock=ServerClock(clock), sleep=clock.sleep)
        budget.learn(1, limits(day=101, day_reset=DAY_END * 1000))
        call(budget, 1)
        with pytest.raises(DailyLimitReached, match="100 are kept in reserve"):
            call(budget, 1)
        call(Budget(store, APP, clock=ServerClock(clock), sleep=clock.sleep), 1)

    def test_who_wants_to_wait_waits(self, store: Store, clock: Clock) -> None:
        clock.now = NOON
        budget = Budget(store, APP, wait_for_day=True, clock=ServerClock(clock), sleep=clock.sleep)
        budget.learn(1, limits(0, 0, MINUTE_END * 1000, DAY_END * 1000))
        call(budget, 1)
        assert clock.now == DAY_END + CLOCK_TOLERANCE
        assert kept(store)[2:8] == (60, 59, DAY_END + 60, 5000, 4999, DAY_END + 86_400)


class TestWords:
    """What is said before a wait, which may be long."""

    @pytest.fixture
    def said(self, store: Store, clock: Clock, caplog: pytest.LogCaptureFixture) -> Any:
        """What a budget says before it sleeps for what an answer has told."""
        caplog.set_level("INFO", limits_module.logger.name)
        clock.now = NOON

        def say(headers: dict[str, str]) -> list[tuple[str, str]]:
            budget = Budget(store, APP, wait_for_day=True, clock=ServerClock(clock), sleep=wake_up)
            budget.learn(1, headers)
            with suppress(InterruptedError):
                call(budget, 1)
            return [(record.levelname, record.getMessage()) for record in caplog.records]

        return say

    def test_of_a_day(self, said: Any) -> None:
        ((level, text),) = said(limits(60, 0, MINUTE_END * 1000, DAY_END * 1000))
        assert level == "WARNING"
        assert text.startswith("Division 1: the 5000 calls of today are used up.")
        assert text.endswith(
            "00:00 UTC; this run continues from here. It waits 12.0 hours for that."
        )

    def test_of_a_minute(self, said: Any) -> None:
        assert said(limits(0, 9, MINUTE_END * 1000, DAY_END * 1000)) == [
            ("INFO", "Division 1: the calls of this minute are used up; continuing in 52 s")
        ]

    def test_of_nothing_worth_telling(self, said: Any) -> None:
        assert said(limits(0, 9, (NOON + 2) * 1000, DAY_END * 1000)) == []


class TestClocks:
    @pytest.mark.parametrize("ahead", [-7200, -30, 30, 7200])
    def test_the_servers_clock_decides(self, ahead: int, budget: Budget, clock: Clock) -> None:
        there = NOON + ahead
        headers = limits(0, 5, (MINUTE_END + ahead) * 1000, (DAY_END + ahead) * 1000)
        budget.learn(1, {**headers, "Date": http_date(there)})
        call(budget, 1)
        assert clock.naps == [50 + CLOCK_TOLERANCE]

    def test_small_differences_are_those_of_whole_seconds(
        self, budget: Budget, clock: Clock
    ) -> None:
        clock.now += 1.9
        budget.learn(1, {**limits(5, 5), "Date": http_date(NOON)})
        assert budget.clock.ahead == 0

    def test_a_slow_answer_tells_of_no_difference(self, budget: Budget, clock: Clock) -> None:
        with budget.turn(1, "crm/Accounts"):
            clock.now += 40
            budget.learn(1, {**limits(5, 5), "Date": http_date(NOON + 20)})
        assert budget.clock.ahead == 0

    @pytest.mark.parametrize("dated", [0, 20, 40])
    def test_nor_of_another_difference_than_the_one_that_is_known(
        self, dated: int, budget: Budget, clock: Clock
    ) -> None:
        budget.learn(1, {"Date": http_date(NOON + 30)})
        with budget.turn(1, "crm/Accounts"):
            clock.now += 40
            budget.learn(1, {"Date": http_date(NOON + 30 + dated)})
        assert budget.clock.ahead == 30

    def test_a_clock_that_is_put_right_is_believed(self, budget: Budget, clock: Clock) -> None:
        budget.learn(1, {"Date": http_date(NOON + 300)})
        with budget.turn(1, "crm/Accounts"):
            clock.now += 310
            budget.learn(1, {"Date": http_date(NOON + 310)})
        with budget.turn(1, "crm/Accounts"):
            budget.learn(1, {"Date": http_date(NOON + 310)})
        assert budget.clock.ahead == 0

    def test_an_answer_without_a_date_leaves_what_is_known(self, budget: Budget) -> None:
        budget.learn(1, {**limits(5, 5), "Date": http_date(NOON + 300)})
        budget.learn(1, limits(4, 4))
        assert budget.clock.ahead == 300

    @pytest.mark.parametrize("behind", [-30.0, 30.0, 300.0])
    def test_each_machine_has_a_clock_of_its_own(
        self, store: Store, clock: Clock, behind: float
    ) -> None:
        clock.now = NOON
        server = Server(clock)
        right = Budget(store, APP, clock=ServerClock(clock), sleep=clock.sleep)
        wrong = Budget(store, APP, clock=ServerClock(lambda: clock.now - behind), sleep=clock.sleep)
        for _ in range(200):
            for budget in (right, wrong):
                call(budget, 1, server)
                clock.now += 0.1
        assert set(server.statuses) == {200}
        assert clock.now - NOON < 8 * 60

    def test_errors_are_counted_by_the_servers_clock(self, store: Store, clock: Clock) -> None:
        clock.now = NOON
        behind = Budget(store, APP, clock=ServerClock(lambda: clock.now - 7200), sleep=clock.sleep)
        behind.learn(None, {"Date": http_date(NOON)})
        for _ in range(MAX_ERRORS):
            behind.record_error(1, "crm/Accounts")
        with pytest.raises(ErrorLimitReached) as caught:
            call(Budget(store, APP, clock=ServerClock(clock), sleep=clock.sleep), 1)
        assert caught.value.until == NOON + HOUR

    def test_an_end_that_cannot_be_is_that_of_our_own_minute(
        self, budget: Budget, clock: Clock
    ) -> None:
        budget.learn(1, limits(minute=0, minute_reset=(MINUTE_END + 7200) * 1000))
        call(budget, 1)
        assert clock.now == MINUTE_END + CLOCK_TOLERANCE

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "yesterday",
            "Thu, 99 Foo 2026 12:00:00 GMT",
            "Fri, 12 May 2023 08:168387954018:25 GMT",
        ],
    )
    def test_a_garbled_date_is_none(self, text: str, budget: Budget) -> None:
        budget.learn(1, {**limits(5, 5), "Date": text})
        assert budget.clock.ahead == 0


class TestSharing:
    def test_two_processes_draw_from_one_budget(
        self, exact: Exact, open_store: Callable[[str], Any], clock: Clock
    ) -> None:
        with open_store(exact.store.url.render_as_string()) as other_store:
            one = exact.budget()
            other = Budget(
                other_store, exact.app().key, clock=ServerClock(clock), sleep=clock.sleep
            )
            minute_end = (clock.now // 60 + 1) * 60
            one.learn(1, limits(4, 100, minute_end * 1000, DAY_END * 1000))
            for budget in (one, other, other, one):
                call(budget, 1)
            assert clock.naps == []
            call(other, 1)
            assert clock.naps == [pytest.approx(minute_end + CLOCK_TOLERANCE - 1_782_405_060.0)]

    def test_no_call_is_forgotten_among_many(
        self, store_url: str, open_store: Callable[[str], Any], clock: Clock
    ) -> None:
        with open_store(store_url) as one, open_store(store_url) as other:
            kin = [
                Budget(store, APP, clock=ServerClock(clock)) for store in (one, other, one, other)
            ]
            reset = (clock.now // 60 + 1) * 60
            kin[0].learn(1, limits(60, 5000, reset * 1000, DAY_END * 1000))

            def take(budget: Budget) -> None:
                for _ in range(12):
                    call(budget, 1)

            with ThreadPoolExecutor(4) as pool:
                list(pool.map(take, kin))
            assert (kept(one).minute_remaining, kept(one).day_remaining) == (12, 4952)

    def test_the_two_never_overdraw_it_together(
        self, exact: Exact, open_store: Callable[[str], Any], clock: Clock
    ) -> None:
        server = Server(clock, minute_limit=7)
        with open_store(exact.store.url.render_as_string()) as other_store:
            pair = (
                exact.budget(),
                Budget(other_store, exact.app().key, clock=ServerClock(clock), sleep=clock.sleep),
            )
            for number in range(40):
                budget = pair[number * number % 3 % 2]
                call(budget, 1, server)
                clock.now += 0.7
        assert server.statuses == [200] * 40

    def test_answers_that_cross_do_not_overdraw_it(
        self, store_url: str, open_store: Callable[[str], Any], clock: Clock
    ) -> None:
        minute = 60 - clock.now % 60

        class SlowServer(Server):
            @override
            def call(self) -> Mapping[str, str]:
                headers = super().call()
                time.sleep(0.002)
                return headers

        server = SlowServer(clock, minute_limit=20)
        with open_store(store_url) as one, open_store(store_url) as other:
            kin = [
                Budget(store, APP, clock=ServerClock(clock), sleep=clock.sleep)
                for store in (one, other)
            ]
            call(kin[0], 1, server)

            def work(budget: Budget) -> None:
                for _ in range(20):
                    call(budget, 1, server)

            with ThreadPoolExecutor(2) as pool:
                list(pool.map(work, kin))
        assert server.statuses == [200] * 41
        assert clock.naps[0] == pytest.approx(minute + CLOCK_TOLERANCE)

    def test_who_waits_for_the_minute_holds_nobody_up(
        self, store: Store, clock: Clock, budget: Budget
    ) -> None:
        def while_asleep(seconds: float) -> None:
            call(Budget(store, "another", clock=ServerClock(clock), sleep=wake_up), 1)
            clock.sleep(seconds)

        budget.learn(1, limits(0, 9, MINUTE_END * 1000, DAY_END * 1000))
        call(Budget(store, APP, clock=ServerClock(clock), sleep=while_asleep), 1)
        assert clock.now == MINUTE_END + CLOCK_TOLERANCE

    @pytest.mark.parametrize("theirs", [3, 40])
    def test_what_others_use_without_this_store_is_seen_in_the_headers(
        self, theirs: int, clock: Clock, budget: Budget
    ) -> None:
        server = Server(clock, minute_limit=60)
        for _ in range(4):
            call(budget, 1, server)
            for _ in range(theirs):
                server.call()
        assert (clock.naps == []) == (theirs == 3)


@given(
    start=st.floats(0, 86_400),
    ahead=st.floats(-5_000, 5_000),
    pauses=st.lists(st.floats(0, 45), min_size=1, max_size=30),
    minute_limit=st.integers(1, 6),
)
@settings(max_examples=30, deadline=None, suppress_health_check=SHARED_STORE)
def test_alone_no_call_is_ever_refused(
    start: float, ahead: float, pauses: list[float], minute_limit: int, store: Store
) -> None:
    clock = [NOON + start]

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    server = Server(lambda: clock[0], minute_limit=minute_limit, day_limit=25, ahead=ahead)
    budget = Budget(
        store,
        str(next(NUMBERS)),
        wait_for_day=True,
        clock=ServerClock(lambda: clock[0]),
        sleep=sleep,
    )
    for pause in pauses:
        call(budget, 1, server)
        sleep(pause)
    assert server.statuses == [200] * len(pauses)
