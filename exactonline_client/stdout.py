"""Standard output that nobody reads any more, or that has no room: one line instead of a trace."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from exactonline_client.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator

WRITING = (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""Errors of what is open already and cannot be written."""


@contextmanager
def written() -> Iterator[None]:
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
        if error.errno not in WRITING or error.filename is not None:
            raise
        _discard()
        raise OutputError(
            f"Standard output cannot be written ({error.strerror or error}). What reads it may "
            "have ended, or the disk may be full; what was done so far is kept."
        ) from None


def _discard() -> None:
    """Keep Python from writing what is left when it ends, which would fail once more."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
