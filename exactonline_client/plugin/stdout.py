"""Standard output: whole lines, nothing behind a cut one, and one line where it takes no more."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from exactonline_client.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator

WRITE_ERRORS = (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""Errors of what is open already and cannot be written."""


@contextmanager
def flushed() -> Iterator[None]:
    """Let what the block writes to standard output be there when it ends.

    Raises:
        OutputError: it cannot be written.
    """
    try:
        try:
            yield
        finally:
            if sys.stdout and not sys.stdout.closed:
                sys.stdout.flush()
    except OSError as error:
        if error.errno not in WRITE_ERRORS or error.filename is not None:
            raise
        _discard()
        raise OutputError(
            f"Standard output cannot be written ({error.strerror or error}). What reads it may "
            "have ended, or the disk may be full; what was done so far is kept."
        ) from None


class Output:
    """Standard output, to which nothing is written behind a write that failed."""

    def __init__(self) -> None:
        """Nothing has failed yet."""
        self._is_cut = False

    def write(self, lines: bytes | bytearray) -> None:
        """Write whole lines; does nothing behind a write that failed.

        Raises:
            OutputError: nobody reads any more, or there is no room.
        """
        if self._is_cut:
            return
        self._is_cut = True
        with flushed():
            # With PYTHONUNBUFFERED a signal cuts a write short, without an error.
            left = memoryview(lines)
            while left:
                left = left[sys.stdout.buffer.write(left) :]
        self._is_cut = False


def _discard() -> None:
    """Keep Python from writing what is left when it ends, which would fail once more."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
