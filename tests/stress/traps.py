"""A folder of files that records may name, beside files that they must not reach."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable
    from pathlib import Path

INSIDE, CANARY = b"%PDF-1.4 inside", b"canary"
SOUND = ("a.pdf", "2026/b.pdf", "2026/../2026//./b.pdf", "2026/caf\u00e9.pdf")
"""Paths of files that may be read."""
PATHS = (
    "../secret.txt", "2026/../../secret.txt", "up/secret.txt", "up/scans/a.pdf", "link.pdf",
    "inner.pdf", "hard.pdf", "zero", "random", "loop", "loop/a.pdf", "pipe", "pipe/a.pdf",
    "../pipe", ".env", "2026", ".", "..", "/", "a.pdf/b.pdf", "none.pdf", "../store/store.key",
    "../store/store.db", "up/store/store.key", "store/store.key", "../config.json",
    "/proc/self/environ", "//proc/self/environ", "/proc/self/fd/0", "/dev/stdin", "/dev/zero",
    "/dev/tty", "/etc/passwd", "environ", "~/.profile", "~root/.profile", "file:///etc/passwd",
    "http://127.0.0.1/", "\\\\127.0.0.1\\share\\a.pdf", "C:\\a.pdf", "..\\secret.txt",
    "a.pdf\x00", "\x00", "\ud800", "a\ufe68..\ufe68b", "\uff0e\uff0e/secret.txt",
    "%2e%2e/secret.txt", "cafe\u0301.pdf", "A.PDF/", "2026\uff0fb.pdf", "a" * 5000, "a/" * 5000,
    "2026/" + "../2026/" * 2000 + "../../secret.txt", "\u202ea.pdf",
)  # fmt: skip
"""Paths that name no file, or one that must not be read."""


@dataclass(frozen=True)
class Traps:
    """The folder, and the files that nothing may open."""

    scans: Path
    canaries: tuple[Path, ...]

    def wrong(self, contents: Iterable[bytes]) -> list[str]:
        """What must not have been read: by the files' contents, and by when they were read."""
        found = [f"a file from outside: {one[:40]!r}" for one in contents if one != INSIDE]
        # A file system that notes no times of reading shows nothing here.
        return found + [f"{file.name} was read" for file in self.canaries if file.stat().st_atime]


def make(folder: Path) -> Traps:
    """Make the files in a folder, which also holds the store."""
    scans, secret = folder / "scans", folder / "secret.txt"
    (scans / "2026").mkdir(parents=True)
    for name in ("a.pdf", "2026/b.pdf", "2026/caf\u00e9.pdf"):
        (scans / name).write_bytes(INSIDE)
    canaries = (secret, scans / ".env", scans / "twice.pdf")
    for file in canaries:
        file.write_bytes(CANARY)
        os.utime(file, (0, file.stat().st_mtime))
    os.link(scans / "twice.pdf", scans / "hard.pdf")
    links: dict[str, Path | str] = {
        "up": folder, "link.pdf": secret, "inner.pdf": scans / "a.pdf", "zero": "/dev/zero",
        "random": "/dev/urandom", "loop": scans / "loop", "environ": "/proc/self/environ",
        "store": folder / "store",
    }  # fmt: skip
    for name, target in links.items():
        (scans / name).symlink_to(target)
    for place in (folder, scans):
        os.mkfifo(place / "pipe")
    return Traps(scans, canaries)


def bad_path(record: dict[str, Any], chance: random.Random) -> None:
    """Let a record name a file that must not be read, beside one that may be."""
    for name in [name for name in record if name.startswith("attachment")]:
        del record[name]
    path = chance.choice(PATHS)
    files: list[Any] = [{"path": chance.choice(SOUND)}, {"file_name": "a.pdf", "path": path}]
    chance.shuffle(files)
    fields = ({"attachment_path": path}, {"attachments": files}, {"attachments": json.dumps(files)})
    record.update(chance.choice(fields))
    record.pop("_sdc_deleted_at", None)
