"""Files that only their owner may read, and locks between processes that are files."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import filelock

from exactonline_client.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

logger = logging.getLogger(__name__)

LOCK_TIMEOUT = 600.0
"""Seconds to wait for another process: longer than it can need for one call."""


def owner_only(file: Path) -> None:
    """Make sure that the file exists and that nobody but its owner can read it.

    Raises:
        StoreError: the file cannot be made or closed to others.
    """
    try:
        file.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
        if file.stat().st_mode & 0o077:
            file.chmod(0o600)
    except OSError as error:
        raise StoreError(
            f"The store cannot be kept at {file.parent}: {error.strerror}. "
            "Choose another place with the setting store_url."
        ) from None


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold a lock that is gone when its process dies.

    Raises:
        StoreError: another process held it too long, or the file cannot be made.
    """
    held = filelock.FileLock(path, mode=0o600, timeout=LOCK_TIMEOUT)
    try:
        held.acquire()
        taken = _identity(path)
    except filelock.Timeout:
        raise StoreError(
            f"Another process has held the lock {path} for {LOCK_TIMEOUT:.0f} seconds. "
            "If it hangs, end it and start again."
        ) from None
    except OSError as error:
        raise StoreError(f"The lock {path} cannot be taken: {error.strerror}.") from None
    try:
        yield
    finally:
        if _identity(path) != taken:
            logger.warning(
                "The lock %s was removed while it was held: another process may have worked at the "
                "same time. Leave lock files where they are, also while nothing runs.",
                path,
            )
        held.release()


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from another one of the same name."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
