"""Run Meltano with each list of arguments on standard input; import it once for all of them.

Started with the Python of the environment that Meltano is installed in.
"""

from __future__ import annotations

import json
import os
import sys
from tempfile import TemporaryFile
from typing import Any, BinaryIO


def run(arguments: list[str], out: BinaryIO, err: BinaryIO) -> int:
    """Run it in a process of its own; returns the exit code."""
    from meltano.cli import main  # type: ignore[import-not-found]  # noqa: PLC0415

    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.dup2(out.fileno(), 1)
    os.dup2(err.fileno(), 2)
    sys.argv = ["meltano", *arguments]
    code: Any = 1
    try:
        code = main()
    except SystemExit as end:
        code = end.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else int(code is not None))


def results(runs: list[list[str]]) -> list[tuple[int, str, str]]:
    """Exit code, standard output and standard error of each run."""
    found = []
    for arguments in runs:
        with TemporaryFile() as out, TemporaryFile() as err:
            code = run(arguments, out, err)
            out.seek(0)
            err.seek(0)
            found.append((code, out.read().decode(), err.read().decode()))
    return found


if __name__ == "__main__":
    print(json.dumps(results(json.load(sys.stdin))))  # noqa: T201
