"""Ask who is signed in, again and again, as a long run does.

`python -m tests.stress.reader CLOCK UNTIL` keeps its access token in memory, as every process does,
for as long as it may. Its settings come as JSON on standard input.
"""

from __future__ import annotations

import json
import sys

from exactonline_client import divisions
from exactonline_client.connection import connect
from exactonline_client.errors import ExactOnlineError
from tests.stress.clock import MovedClock

PAUSE = 7.0
"""Seconds between two calls, by the moved clock."""


def main() -> int:
    """Read until the moment `UNTIL`; the exit code is that of the first error."""
    clock, until = MovedClock.loads(sys.argv[1]), float(sys.argv[2])
    try:
        connection = connect(json.load(sys.stdin), clock=clock, sleep=clock.sleep)
        while clock() < until:
            divisions.me(connection.session)
            clock.sleep(PAUSE)
        connection.close()
    except ExactOnlineError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
