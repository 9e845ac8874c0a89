"""Ask for an access token, and be killed on the way.

`python -m tests.stress.victim CLOCK [PLACE TIME]`: with a `PLACE` it kills itself, as `kill -9`
does, before it runs that line for the `TIME`th time between asking for the token and having it.
Without one it lives, and prints every such line as `file:line function`: lines of this project,
and of the libraries that talk to the token endpoint and to the store. Its settings come as JSON on
standard input.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exactonline_client.connection import connect
from tests.stress.clock import MovedClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

WATCHED = (
    "exactonline_client/",
    "requests/sessions.py",
    "requests/adapters.py",
    "urllib3/connectionpool.py",
    "http/client.py",
    "sqlalchemy/engine/base.py",
    "sqlalchemy/engine/default.py",
    "sqlalchemy/pool/base.py",
    "filelock/",
    "cryptography/fernet.py",
)


def main() -> None:
    """Ask for a token under the eyes of a tracer."""
    clock = MovedClock.loads(sys.argv[1])
    place, time = (sys.argv[2], int(sys.argv[3])) if len(sys.argv) > 2 else ("", 0)
    lines: list[str] = []
    connection = connect(json.load(sys.stdin), clock=clock, sleep=clock.sleep)
    sys.settrace(_tracer(lines, place, time))
    connection.tokens.access_token()
    sys.settrace(None)
    connection.close()
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def _tracer(lines: list[str], place: str, time: int) -> Callable[..., Any]:
    def on_line(frame: FrameType, event: str, _argument: object) -> Callable[..., Any]:
        if event == "line":
            lines.append(_place(frame))
            if lines[-1] == place and lines.count(place) == time:
                os.kill(os.getpid(), signal.SIGKILL)
        return on_line

    def on_call(frame: FrameType, _event: str, _argument: object) -> Callable[..., Any] | None:
        name = frame.f_code.co_filename
        return on_line if any(part in name for part in WATCHED) else None

    return on_call


def _place(frame: FrameType) -> str:
    path = Path(frame.f_code.co_filename)
    return f"{path.parent.name}/{path.name}:{frame.f_lineno} {frame.f_code.co_name}"


if __name__ == "__main__":
    main()
