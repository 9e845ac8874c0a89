"""Files that only their owner may read, and locks between processes that are files."""

from __future__ import annotations

import logging
import os
import stat
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
_my_uid = getattr(os, "geteuid", None)
"""Whose files these should be; None on a system that has other means than Unix."""


def ensure_private_folder(folder: Path) -> None:
    """Make sure that a folder exists in which nobody but its owner can put or replace files.

    One that is made here is left out of version control, as virtual environments are.

    Raises:
        StoreError: it cannot be made, or others could plant what is read from it.
    """
    try:
        if not folder.exists():
            folder.mkdir(parents=True, mode=0o700, exist_ok=True)
            ignore = folder / ".gitignore"
            ignore.touch(mode=0o600)
            ignore.write_text("*\n", encoding="ascii")
        found = folder.stat()
    except OSError as error:
        raise _unusable(folder, error) from None
    _refuse_foreign(folder, found)
    if _my_uid is not None and _others_may_write(found):
        raise StoreError(
            f"Others may write in the folder {folder}, and could put a store or a key of their own "
            "there. Take that right away (chmod go-w) or name a file in a folder of its own in "
            "the setting store_url; that folder is made."
        )


def resolved(file: Path) -> Path:
    """Where a file really is, after links that nobody else has made.

    Raises:
        StoreError: a link on the way is another user's.
    """
    absolute = file.absolute()
    for part in (absolute, *absolute.parents):
        if part.is_symlink():
            _refuse_foreign(part, part.lstat())
    return absolute.resolve()


def ensure_private_file(file: Path) -> None:
    """Make sure that the file exists and that nobody but its owner can read it.

    Raises:
        StoreError: the file cannot be made or closed to others, or it is not this user's own.
    """
    ensure_private_folder(file.parent)
    try:
        # What a link leads to, or a pipe waits for, is not what was asked for.
        flags = os.O_CREAT | os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        descriptor = os.open(file, flags, 0o600)
    except OSError as error:
        if file.is_symlink():
            raise _planted(file, "is a link") from None
        raise _unusable(file.parent, error) from None
    try:
        _close_to_others(file, descriptor)
    except OSError as error:
        raise _unusable(file.parent, error) from None
    finally:
        os.close(descriptor)


def refuse_foreign_file(file: Path) -> None:
    """Refuse a file that is there and not this user's own; one that is not there is all right.

    Raises:
        StoreError: it is another user's, or no file.
    """
    try:
        found = file.lstat()
    except OSError:
        return
    _refuse_foreign(file, found)
    _refuse_other_kinds(file, found)


def _close_to_others(file: Path, descriptor: int) -> None:
    found = os.fstat(descriptor)
    _refuse_foreign(file, found)
    _refuse_other_kinds(file, found)
    if found.st_mode & 0o077:
        file.chmod(0o600)


def _others_may_write(found: os.stat_result) -> bool:
    by_group = found.st_mode & stat.S_IWGRP and not _is_private(found.st_gid)
    return bool(found.st_mode & stat.S_IWOTH or by_group)


def _is_private(gid: int) -> bool:
    """Whether a group is there for this user alone, as systems make one for each user.

    That of a volume, in a container, may have no name.
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


def _refuse_other_kinds(file: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise _planted(file, "is no regular file")
    if found.st_nlink > 1:
        raise _planted(file, "has another name (a hard link)")


def _refuse_foreign(path: Path, found: os.stat_result) -> None:
    """Refuse what another user has put there; what root has put there is trusted."""
    if _my_uid is not None and found.st_uid not in (_my_uid(), 0):
        raise StoreError(
            f"{path} belongs to another user (uid {found.st_uid}; this runs as uid {_my_uid()}), "
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
def lock(path: Path) -> Iterator[None]:
    """Hold a lock that is gone when its process dies.

    Raises:
        StoreError: another process held it too long, or the file cannot be made.
    """
    ensure_private_file(path)
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
