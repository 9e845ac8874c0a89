"""How often Exact says "too many" (429) to programs that share one division, around midnight.

Usage: python -m benchmarks.day [--minutes 30] [--speed 40] [--daily-limit 1000]

Three programs call as often as they may, by a clock that runs fast and passes midnight (UTC). The
calls of the first day run out before that; the programs wait for the new day. Then once more,
while a program that is not ours uses the same quota; and all of it on both kinds of store. A whole
day is `--minutes 1440 --daily-limit 5000`.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import threading
from collections import Counter
from contextlib import contextmanager, nullcontext
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import requests
from cryptography.fernet import Fernet

from benchmarks.arena import TOKEN_AGE, arena, clean_environment
from benchmarks.caller import LIST
from benchmarks.report import Table
from demo import ending
from exactonline_sandbox import User
from tests.stress import databases
from tests.stress.clock import MovedClock

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.arena import Arena
    from exactonline_sandbox import Server

MIDNIGHT = datetime(2026, 3, 5, tzinfo=timezone.utc)
BEFORE = 0.85
"""The part of the time that lies before midnight."""
TOO_MANY = 429
MINUTELY = 60
PROGRAMS = 3
FOREIGNER = User(user_id="8d0e6c0b-1111-4c1d-8a6e-2f1d0f4f7c22", name="Another program")
BURST = 25
"""Calls that the foreign program makes at a stretch, once a minute at some moment of it."""


def measure(
    minutes: float = 30,
    speed: float = 40,
    daily_limit: int = 1000,
    stores: Sequence[str] = databases.KINDS,
) -> Table:
    """Calls made and refused, alone and with a foreign program."""
    rows = [
        _round(store, minutes, speed, daily_limit, foreign=foreign)
        for store in stores
        for foreign in (False, True)
    ]
    return Table(
        "day",
        "Calls refused around midnight",
        f"{PROGRAMS} programs of ours share a division with {MINUTELY} calls a minute and "
        f"{daily_limit:,} a day, for {minutes:g} minutes on a clock that runs {speed:g} times as "
        f"fast and passes midnight. The foreign program makes {BURST} calls at a stretch, once a "
        "minute, and heeds no limit. Counted are the answers 429 that our programs got, and the "
        "calls of the other that were answered.",
        ("programs", "store", "calls", "calls of the other", "429 answers", "429 answers a minute"),
        rows,
    )


def _round(
    store: str, minutes: float, speed: float, daily_limit: int, *, foreign: bool
) -> tuple[str, str, int, int, int, float]:
    # The sign-in is only used once it is old enough for that.
    start = MIDNIGHT - timedelta(minutes=minutes * BEFORE, seconds=TOKEN_AGE)
    with (
        arena(
            invoices=2,
            clock=start,
            daily_limit=daily_limit,
            minutely_limit=MINUTELY,
            users=(User(), FOREIGNER),
        ) as here,
        databases.store(store, here.folder) as store_url,
    ):
        here.settings |= {
            "store_url": store_url,
            "store_key": Fernet.generate_key().decode(),
            "on_daily_limit": "wait",
        }
        here.server.control.clock(speed=speed)
        here.server.control.reset_calls()
        clock = MovedClock.read(here.server.world.clock.now(), speed)
        until = clock() + minutes * 60
        theirs: Counter[int] = Counter()
        with _beside(here.server, clock, until, theirs) if foreign else nullcontext():
            _run(here, clock, until)
        made: Counter[int] = Counter()
        for call in here.server.control.calls()["calls"]:
            if call["division"]:
                made[call["status"]] += call["count"]
    refused = made[TOO_MANY] - theirs[TOO_MANY]
    name = f"{PROGRAMS} of ours{' and a foreign one' if foreign else ''}"
    ours, others = made.total() - theirs.total(), theirs.total() - theirs[TOO_MANY]
    return name, store, ours, others, refused, refused / minutes


def _run(here: Arena, clock: MovedClock, until: float) -> None:
    """Let our programs call, all at once, until then."""
    division = here.server.divisions[0]
    command = (sys.executable, "-m", "benchmarks.caller", clock.dumps(), str(until), str(division))
    started = [
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=clean_environment(),
        )
        for _ in range(PROGRAMS)
    ]
    for process in started:
        assert process.stdin is not None  # noqa: S101 - it was asked for
        process.stdin.write(json.dumps(here.settings))
        process.stdin.close()
        process.stdin = None
    for process in started:
        _, errors = process.communicate()
        if process.returncode:
            raise SystemExit(errors)


@contextmanager
def _beside(
    server: Server, clock: MovedClock, until: float, answers: Counter[int]
) -> Iterator[None]:
    """Run a program that does not share our limits."""
    other = threading.Thread(target=_call, args=(server, clock, until, answers))
    other.start()
    yield
    other.join()


def _call(server: Server, clock: MovedClock, until: float, answers: Counter[int]) -> None:
    chance = random.Random(0)
    signed_in = token = None
    while clock() < until:
        clock.sleep(60 - clock() % 60 + chance.uniform(0, 40))
        if signed_in is None or clock() - signed_in > TOKEN_AGE - 60:
            token = server.control.sign_in(user_id=FOREIGNER.user_id)["access_token"]
            signed_in = clock()
        for _ in range(BURST):
            answer = requests.get(
                server.base_url + LIST.format(division=server.divisions[0]),
                headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
                timeout=60,
            )
            answers[answer.status_code] += 1


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.day", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30, help="by the moved clock")
    parser.add_argument("--speed", type=float, default=40, help="of that clock")
    parser.add_argument("--daily-limit", type=int, default=1000)
    measure(**vars(parser.parse_args())).show()


if __name__ == "__main__":
    ending.run(main)
