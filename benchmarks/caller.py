"""`python -m benchmarks.caller CLOCK UNTIL DIVISION` calls as often as it may, by a moved clock.

Its settings come as JSON on standard input.
"""

from __future__ import annotations

import json
import sys

from exactonline_client.connection import connect
from tests.stress.clock import MovedClock

LIST = "/api/v1/{division}/financial/Journals?$select=ID"


def main() -> None:
    """Call until the moment `UNTIL`."""
    clock, until, division = MovedClock.loads(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])

    def sleep(seconds: float) -> None:
        """Wait for a limit, unless that is longer than there is time."""
        clock.sleep(min(seconds, max(until - clock(), 0.0)))
        if clock() >= until:
            sys.exit()

    connection = connect(json.load(sys.stdin), clock=clock, sleep=sleep)
    while clock() < until:
        connection.session.get(LIST.format(division=division), division)
    connection.close()


if __name__ == "__main__":
    main()
