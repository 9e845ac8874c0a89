"""Files below one folder, read so that no name leads out of it.

A name comes from a record, and whoever fills the source table decides what it is. So every part of
it is opened from the folder that holds it, none may be a link, and what is checked is the very file
that is read: nobody can put another in its place between the two.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, BinaryIO

from exactonline_client.errors import ConfigurationError
from target_exactonline.schema.values import Unfit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SETTING = "attachments_folder"
SUPPORTS_DIR_FD = (
    hasattr(os, "O_NOFOLLOW") and hasattr(os, "O_DIRECTORY") and os.open in os.supports_dir_fd
)
"""Whether the system opens a file by its name in a folder that is open, as all but Windows do."""
ENTER = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0)
"""How a folder is opened: where possible without the right to list it."""
READ = (
    os.O_RDONLY
    # A pipe that nobody writes to is opened all the same, and found to be none.
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)
NO_LINK = getattr(os, "O_NOFOLLOW", 0)
NAME_SURROGATE = 0x20000000
"""The bit by which Windows tells links of every kind from, say, files that are kept in a cloud."""


@dataclass(frozen=True)
class Folder:
    """A folder whose files may be read by names from records."""

    path: Path
    excluded: Path | None = None
    """A folder that is never entered, wherever it lies."""

    def read(self, name: str, max_bytes: int) -> bytes:
        """The content of a file, cut off behind `max_bytes` bytes and one more.

        Args:
            name: its path, from the folder on or from the root.
            max_bytes: bytes that it may have.

        Raises:
            Unfit: there is no such file, or it must not be read.
        """
        try:
            opened = self._open_by_folder if SUPPORTS_DIR_FD else self._open_by_path
            with opened(self._parts(name)) as file:
                _refuse_special(os.fstat(file.fileno()))
                return file.read(max_bytes + 1)
        except Unfit:
            raise
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not a path"
            raise Unfit(f"names a file that cannot be read ({reason})") from None

    def _parts(self, name: str) -> Sequence[str]:
        """The names on the way down to a file."""
        root = os.path.abspath(self.path)  # noqa: PTH100 - links in it may stay
        whole = PurePath(os.path.normpath(os.path.join(root, name)))  # noqa: PTH118
        start = next(
            (one for one in (root, self.path.resolve()) if whole.is_relative_to(one)), None
        )
        if start is None:
            raise Unfit(f"names a file that is not below the folder of the setting {SETTING}")
        parts = whole.relative_to(start).parts
        if any(part.startswith(".") for part in parts):
            raise Unfit("names a hidden file or folder: its name begins with a dot")
        if not parts:
            raise Unfit("names no regular file")
        return parts

    @contextmanager
    def _open_by_folder(self, parts: Sequence[str]) -> Iterator[BinaryIO]:
        """A file, opened folder by folder."""
        here = os.open(self.path, ENTER)
        try:
            for part in parts[:-1]:
                self._refuse_store(os.fstat(here))
                _refuse_link(os.stat(part, dir_fd=here, follow_symlinks=False))
                below = os.open(part, ENTER | NO_LINK, dir_fd=here)
                os.close(here)
                here = below
            self._refuse_store(os.fstat(here))
            # A device is not even opened, which may set something going.
            _refuse_special(os.stat(parts[-1], dir_fd=here, follow_symlinks=False))
            descriptor = os.open(parts[-1], READ | NO_LINK, dir_fd=here)
        finally:
            os.close(here)
        with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
            yield file

    @contextmanager
    def _open_by_path(self, parts: Sequence[str]) -> Iterator[BinaryIO]:
        """A file, opened by its whole name between two looks that find the same."""
        before = self._stat_parts(parts)
        descriptor = os.open(self.path.joinpath(*parts), READ | NO_LINK)
        with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
            after = [*self._stat_parts(parts), os.fstat(descriptor)]
            if not all(map(os.path.samestat, [*before, before[-1]], after)):
                raise Unfit("names a file that was replaced while it was read")
            yield file

    def _stat_parts(self, parts: Sequence[str]) -> list[os.stat_result]:
        """What is known of the folders on the way to a file, and of the file."""
        folder, seen = self.path, [self.path.stat()]
        for part in parts:
            self._refuse_store(seen[-1])
            folder /= part
            seen.append(folder.lstat())
            _refuse_link(seen[-1])
        _refuse_special(seen[-1])
        return seen

    def _refuse_store(self, folder: os.stat_result) -> None:
        # A store in a database may have no folder.
        if not self.excluded or not self.excluded.exists():
            return
        if os.path.samestat(folder, self.excluded.stat()):
            raise Unfit("names a file in the folder of the store, which is never read")


def _refuse_link(facts: os.stat_result) -> None:
    if stat.S_ISLNK(facts.st_mode) or getattr(facts, "st_reparse_tag", 0) & NAME_SURROGATE:
        raise Unfit("names a file that a link leads to")


def _refuse_special(facts: os.stat_result) -> None:
    """A file with two names may be one from elsewhere."""
    _refuse_link(facts)
    if not stat.S_ISREG(facts.st_mode):
        raise Unfit("names no regular file")
    if facts.st_nlink > 1:
        raise Unfit("names a file that has another name as well (a hard link)")


def named(setting: str | None, store: Path) -> Folder | None:
    """The folder that the setting names, if any; `store` is the folder of the store.

    Raises:
        ConfigurationError: it is no folder.
    """
    if not setting:
        return None
    path = Path(setting).absolute()
    if not os.path.isdir(path):  # noqa: PTH112 - true or false, also for what is no path
        raise ConfigurationError(f"Setting {SETTING}: {str(path)!r} is no folder.")
    if path.resolve().parent == path.resolve():
        raise ConfigurationError(
            f"Setting {SETTING}: {str(path)!r} is the whole machine. Name a folder that holds "
            "nothing but files that may be uploaded."
        )
    return Folder(path, store)
