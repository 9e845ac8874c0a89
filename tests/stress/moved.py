"""Run one of this project's programs by another clock.

`python -m tests.stress.moved CLOCK PROGRAM ...`: the program is the real one, started by its own
entry point; only what it takes for the time is moved.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from importlib import import_module

from tests.stress.clock import MovedClock

PROGRAMS = {
    "tap-exactonline": "tap_exactonline.__main__",
    "target-exactonline": "target_exactonline.__main__",
    "exactonline": "exactonline_cli.__main__",
}


def main() -> None:
    """Run the program with the arguments that follow its name."""
    _, clock, program, *arguments = sys.argv
    moved = MovedClock.loads(clock)
    # Before the program is imported: defaults such as `clock=time.time` are taken then.
    vars(time).update(time=moved, sleep=moved.sleep)
    sys.argv = [program, *arguments]
    if program == "exactonline" and "LOGLEVEL" in os.environ:
        # The command says nothing of its libraries; their log is searched for secrets.
        logging.basicConfig(level=os.environ["LOGLEVEL"])
    import_module(PROGRAMS[program]).main()


if __name__ == "__main__":
    main()
