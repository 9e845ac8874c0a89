"""Private files and folders, and file locks between processes."""

from __future__ import annotations

import logging
import os
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import filelock

from exactonline_client.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

logger = logging.getLogger(__name__)

LOCK_TIMEOUT = 600.0
"""Seconds to wait for another process; longer than a call can take."""
_my_uid = getattr(os, "geteuid", None)
"""Returns the user ID that must own the files; None on Windows."""


def ensure_private_folder(folder: Path) -> None:
    """Create a folder unless it exists, and check that only its owner can write to it.

    A new folder gets a `.gitignore` for all its content, like a virtual environment.

    Raises:
        StoreError: it cannot be created, or other users can write to it.
    """
    try:
        if not folder.exists():
            folder.mkdir(parents=True, mode=0o700, exist_ok=True)
            ignore = folder / ".gitignore"
            ignore.touch(mode=0o600)
            ignore.write_text("*\n", encoding="ascii")
        status = folder.stat()
    except OSError as error:
        raise _unusable(folder, error) from None
    _refuse_foreign(folder, status)
    if _my_uid is not None and _others_may_write(status):
        raise StoreError(
            f"Others may write in the folder {folder}, and could put a store or a key of their own "
            "there. Remove that right (chmod go-w), or set store_url to a file in a separate "
            "folder; that folder is made."
        )


def resolved(file: Path) -> Path:
    """Resolve the symbolic links of a path.

    Raises:
        StoreError: a link belongs to another user.
    """
    absolute = file.absolute()
    for part in (absolute, *absolute.parents):
        if part.is_symlink():
            _refuse_foreign(part, part.lstat())
    return absolute.resolve()


def ensure_private_file(file: Path) -> None:
    """Create a file unless it exists, and make sure that only its owner can read it.

    Raises:
        StoreError: it cannot be created or made private, or belongs to another user.
    """
    ensure_private_folder(file.parent)
    try:
        _create(file)
        status = file.lstat()
        if stat.S_ISLNK(status.st_mode):
            raise _planted(file, "is a link")
        _refuse_foreign(file, status)
        _refuse_other_kinds(file, status)
        if status.st_mode & 0o077:
            file.chmod(0o600)
    except OSError as error:
        raise _unusable(file.parent, error) from None


def refuse_foreign_file(file: Path) -> None:
    """Refuse a file that belongs to another user; a missing file is accepted.

    Raises:
        StoreError: it belongs to another user, or is not a regular file.
    """
    try:
        status = file.lstat()
    except OSError:
        return
    _refuse_foreign(file, status)
    _refuse_other_kinds(file, status)


def _create(file: Path) -> None:
    """Create a file unless there is one of this name.

    One that exists is not even opened: closing a database ends all locks that SQLite holds on it in
    this process, and another process would then remove its write-ahead log.
    """
    with suppress(FileExistsError):
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _others_may_write(status: os.stat_result) -> bool:
    by_group = status.st_mode & stat.S_IWGRP and not _is_private(status.st_gid)
    return bool(status.st_mode & stat.S_IWOTH or by_group)


def _is_private(gid: int) -> bool:
    """Return whether a group has only this user, like the one that systems create per user.

    The group of a mounted volume may have no name in a container.
    """
    import grp  # noqa: PLC0415 - there is none on Windows
    import pwd  # noqa: PLC0415

    try:
        group = grp.getgrgid(gid)
    except KeyError:
        return gid in (os.getegid(), *os.getgroups())
    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return False
    return group.gr_name == name and set(group.gr_mem) <= {name}


def _refuse_other_kinds(file: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise _planted(file, "is not a regular file")
    if status.st_nlink > 1:
        raise _planted(file, "has another name (a hard link)")


def _refuse_foreign(path: Path, status: os.stat_result) -> None:
    """Refuse a file of another user; root is trusted."""
    if _my_uid is not None and status.st_uid not in (_my_uid(), 0):
        raise StoreError(
            f"{path} belongs to another user (uid {status.st_uid}; this runs as uid {_my_uid()}), "
            "who could read or replace what is kept there. Run as that user, or choose another "
            "place with the setting store_url."
        )


def _planted(file: Path, what: str) -> StoreError:
    return StoreError(
        f"{file} {what}, so it may be somebody else's and is not used. Look where it comes from "
        "and remove it, or choose another place with the setting store_url."
    )


def _unusable(folder: Path, error: OSError) -> StoreError:
    return StoreError(
        f"The store cannot be kept at {folder}: {error.strerror}. "
        "Choose another place with the setting store_url."
    )


@contextmanager
def lock(path: Path, timeout: float = LOCK_TIMEOUT) -> Iterator[None]:
    """Hold a file lock, which is released when its process dies; wait up to `timeout` seconds.

    Raises:
        StoreError: another process held it too long, or the file cannot be created.
    """
    ensure_private_file(path)
    held = filelock.FileLock(path, mode=0o600, timeout=timeout)
    try:
        held.acquire()
        taken = _identity(path)
    except filelock.Timeout:
        raise StoreError(
            f"Another process has held the lock {path} for {timeout:.0f} seconds. "
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
    """Return device and inode of a file; None if it does not exist."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
