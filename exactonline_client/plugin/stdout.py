"""Standard output: whole lines, none after a failed write, and a readable error."""

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
"""Errors of writing to an open file."""


@contextmanager
def flushed() -> Iterator[None]:
    """Flush standard output at the end of the block.

    Raises:
        OutputError: standard output cannot be written.
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
    """Standard output, to which nothing is written after a failed write."""

    def __init__(self) -> None:
        """Start without a failed write."""
        self._is_cut = False

    def write(self, lines: bytes | bytearray) -> None:
        """Write whole lines; does nothing after a failed write.

        Raises:
            OutputError: the reader has ended, or the disk is full.
        """
        if self._is_cut:
            return
        self._is_cut = True
        with flushed():
            # With PYTHONUNBUFFERED a signal can cut a write short without an error.
            left = memoryview(lines)
            while left:
                left = left[sys.stdout.buffer.write(left) :]
        self._is_cut = False


def _discard() -> None:
    """Keep Python from flushing the rest at exit, which would fail again."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
