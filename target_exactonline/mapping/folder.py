"""Read files below a folder, safe against path traversal and links.

Names come from records, so whoever fills the source table controls them. Every part of a path is
opened relative to its parent folder and must not be a link. The checks are made on the open file,
which cannot be replaced in between.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, BinaryIO

from exactonline_client.errors import ConfigurationError
from target_exactonline.schema.values import BadValueError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SETTING = "attachments_folder"
SUPPORTS_DIR_FD = (
    hasattr(os, "O_NOFOLLOW") and hasattr(os, "O_DIRECTORY") and os.open in os.supports_dir_fd
)
"""Whether the system can open files relative to an open folder; Windows cannot."""
ENTER = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0)
"""Flags to open a folder, if possible without permission to list it."""
READ = (
    os.O_RDONLY
    # Do not block on a pipe, which is refused once it is open.
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)
NO_LINK = getattr(os, "O_NOFOLLOW", 0)
NAME_SURROGATE = 0x20000000
"""Bit of Windows reparse tags that marks links, unlike files of cloud storage."""


@dataclass(frozen=True)
class Folder:
    """A folder whose files can be named by records."""

    path: Path
    excluded: Path | None = None
    """A folder that is never read from, wherever it is."""
    by_dir_fd: bool = SUPPORTS_DIR_FD
    """Whether to open files relative to open folders; else paths are compared before and after."""

    def read(self, name: str, max_bytes: int) -> bytes:
        """Read a file, at most `max_bytes` + 1 bytes of it.

        Args:
            name: path, absolute or relative to the folder.
            max_bytes: maximum size.

        Raises:
            BadValueError: the file does not exist, or must not be read.
        """
        try:
            opened = self._open_by_folder if self.by_dir_fd else self._open_by_path
            with opened(self._parts(name)) as file:
                _refuse_special(os.fstat(file.fileno()))
                return file.read(max_bytes + 1)
        except BadValueError:
            raise
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not a path"
            raise BadValueError(f"names a file that cannot be read ({reason})") from None

    def _parts(self, name: str) -> Sequence[str]:
        """Split a path below the folder into its parts."""
        root = os.path.abspath(self.path)  # noqa: PTH100 - links in it may stay
        whole = PurePath(os.path.normpath(os.path.join(root, name)))  # noqa: PTH118
        start = next(
            (one for one in (root, self.path.resolve()) if whole.is_relative_to(one)), None
        )
        if start is None:
            raise BadValueError(
                f"names a file that is not below the folder of the setting {SETTING}"
            )
        parts = whole.relative_to(start).parts
        if any(part.startswith(".") for part in parts):
            raise BadValueError("names a hidden file or folder: its name begins with a dot")
        if not parts:
            raise BadValueError("names no regular file")
        return parts

    @contextmanager
    def _open_by_folder(self, parts: Sequence[str]) -> Iterator[BinaryIO]:
        """Open a file folder by folder."""
        here = os.open(self.path, ENTER)
        try:
            for part in parts[:-1]:
                self._refuse_store(os.fstat(here))
                _refuse_link(os.stat(part, dir_fd=here, follow_symlinks=False))
                below = os.open(part, ENTER | NO_LINK, dir_fd=here)
                os.close(here)
                here = below
            self._refuse_store(os.fstat(here))
            # Opening a device can have side effects, so check before.
            _refuse_special(os.stat(parts[-1], dir_fd=here, follow_symlinks=False))
            descriptor = os.open(parts[-1], READ | NO_LINK, dir_fd=here)
        finally:
            os.close(here)
        with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
            yield file

    @contextmanager
    def _open_by_path(self, parts: Sequence[str]) -> Iterator[BinaryIO]:
        """Open a file by its path, and compare the stats of all parts before and after."""
        before = self._stat_parts(parts)
        descriptor = os.open(self.path.joinpath(*parts), READ | NO_LINK)
        with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
            after = [*self._stat_parts(parts), os.fstat(descriptor)]
            if not all(map(os.path.samestat, [*before, before[-1]], after)):
                raise BadValueError("names a file that was replaced while it was read")
            yield file

    def _stat_parts(self, parts: Sequence[str]) -> list[os.stat_result]:
        """Return the stats of the folders of a path and of its file."""
        folder, seen = self.path, [self.path.stat()]
        for part in parts:
            self._refuse_store(seen[-1])
            folder /= part
            seen.append(folder.lstat())
            _refuse_link(seen[-1])
        _refuse_special(seen[-1])
        return seen

    def _refuse_store(self, folder: os.stat_result) -> None:
        # A store on a database server may have no folder.
        if not self.excluded or not self.excluded.exists():
            return
        if os.path.samestat(folder, self.excluded.stat()):
            raise BadValueError("names a file in the folder of the store, which is never read")


def _refuse_link(facts: os.stat_result) -> None:
    if stat.S_ISLNK(facts.st_mode) or getattr(facts, "st_reparse_tag", 0) & NAME_SURROGATE:
        raise BadValueError("names a file that a link leads to")


def _refuse_special(facts: os.stat_result) -> None:
    """Refuse links, special files and hard links, which may refer to files elsewhere."""
    _refuse_link(facts)
    if not stat.S_ISREG(facts.st_mode):
        raise BadValueError("names no regular file")
    if facts.st_nlink > 1:
        raise BadValueError("names a file that has another name as well (a hard link)")


def named(setting: str | None, store: Path) -> Folder | None:
    """Return the folder of the setting, if it is set; `store` is the folder of the store.

    Raises:
        ConfigurationError: it does not exist, or is the root folder.
    """
    if not setting:
        return None
    path = Path(setting).absolute()
    if not os.path.isdir(path):  # noqa: PTH112 - true or false, also for what is no path
        raise ConfigurationError(f"Setting {SETTING}: {str(path)!r} is not a folder.")
    if path.resolve().parent == path.resolve():
        raise ConfigurationError(
            f"Setting {SETTING}: {str(path)!r} is the whole machine. Name a folder with "
            "only files that may be uploaded."
        )
    return Folder(path, store)
