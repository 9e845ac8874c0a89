"""How often Exact says "too many" (429) to programs that share one division, around midnight.

Usage: python -m benchmarks.day [--minutes 70] [--speed 40] [--daily-limit 2500]

Three programs call as often as they may, by a clock that runs fast and passes midnight (UTC). The
calls of the first day run out before that; the programs wait for the new day. Then once more,
while a program that is not ours uses the same quota.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
from collections import Counter
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import requests

from benchmarks.arena import TOKEN_AGE, arena, clean_environment
from benchmarks.caller import LIST
from benchmarks.report import Table
from exactonline_sandbox import User
from proof.clock import MovedClock

if TYPE_CHECKING:
    from exactonline_sandbox import Server

MIDNIGHT = datetime(2026, 3, 5, tzinfo=timezone.utc)
TOO_MANY = 429
PROGRAMS = 3
FOREIGNER = User(user_id="8d0e6c0b-1111-4c1d-8a6e-2f1d0f4f7c22", name="Another program")
PAUSE = 10.0
"""Seconds between two calls of the foreign program, by the moved clock."""


def measure(minutes: float = 70, speed: float = 40, daily_limit: int = 2500) -> Table:
    """Calls made and refused, alone and with a foreign program."""
    rows = [_round(minutes, speed, daily_limit, foreign=foreign) for foreign in (False, True)]
    return Table(
        "day",
        "Calls refused around midnight",
        f"{PROGRAMS} programs of ours share a division with 60 calls a minute and {daily_limit:,} "
        f"a day, for {minutes:g} minutes on a clock that runs {speed:g} times as fast and passes "
        "midnight. The foreign program makes a call every ten seconds and heeds no limit. Counted "
        "are the answers 429 that our programs got.",
        ("programs", "calls", "429 answers", "429 answers a minute"),
        rows,
    )


def _round(
    minutes: float, speed: float, daily_limit: int, *, foreign: bool
) -> tuple[str, int, int, float]:
    # The sign-in is only used once it is old enough for that.
    start = MIDNIGHT - timedelta(minutes=minutes * 0.85, seconds=TOKEN_AGE)
    with arena(
        invoices=2,
        clock=start,
        daily_limit=daily_limit,
        minutely_limit=60,
        users=(User(), FOREIGNER),
    ) as here:
        here.server.control.clock(speed=speed)
        here.server.control.reset_calls()
        clock = MovedClock.read(here.server.world.clock.now(), speed)
        until = clock() + minutes * 60
        settings = json.dumps({**here.settings, "on_daily_limit": "wait"})
        division = here.server.divisions[0]
        command = (sys.executable, "-m", "benchmarks.caller", clock.dumps(), str(until))
        started = [
            subprocess.Popen(
                [*command, str(division)],
                stdin=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=clean_environment(),
            )
            for _ in range(PROGRAMS)
        ]
        theirs: Counter[int] = Counter()
        other = threading.Thread(target=_call, args=(here.server, clock, until, theirs))
        if foreign:
            other.start()
        for process in started:
            assert process.stdin is not None  # noqa: S101 - it was asked for
            process.stdin.write(settings)
            process.stdin.close()
            process.stdin = None
        for process in started:
            _, errors = process.communicate()
            if process.returncode:
                raise SystemExit(errors)
        if foreign:
            other.join()
        made: Counter[int] = Counter()
        for call in here.server.control.calls()["calls"]:
            if call["division"]:
                made[call["status"]] += call["count"]
        refused = made[TOO_MANY] - theirs[TOO_MANY]
    name = f"{PROGRAMS} of ours{' and a foreign one' if foreign else ''}"
    return name, made.total() - theirs.total(), refused, refused / minutes


def _call(server: Server, clock: MovedClock, until: float, answers: Counter[int]) -> None:
    """What a program does that knows nothing of ours."""
    signed_in = token = None
    while clock() < until:
        if signed_in is None or clock() - signed_in > TOKEN_AGE - 60:
            token, signed_in = (
                server.control.sign_in(user_id=FOREIGNER.user_id)["access_token"],
                clock(),
            )
        answer = requests.get(
            server.base_url + LIST.format(division=server.divisions[0]),
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            timeout=60,
        )
        answers[answer.status_code] += 1
        clock.sleep(PAUSE)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.day", description=__doc__)
    parser.add_argument("--minutes", type=float, default=70, help="by the moved clock")
    parser.add_argument("--speed", type=float, default=40, help="of that clock")
    parser.add_argument("--daily-limit", type=int, default=2500)
    measure(**vars(parser.parse_args())).show()


if __name__ == "__main__":
    main()
