"""Warn if git tracks files of the store, or would with the next `git add`."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

from exactonline_cli.variables import without_secrets

if TYPE_CHECKING:
    from exactonline_client.store.store import Store

TIMEOUT = 10


def warning(store: Store) -> str | None:
    """Return a warning if git tracks files of the store, or would; else None."""
    names = [path.name for path in store.secret_files if path.parent == store.folder]
    seen = _seen_by_git(str(store.folder), names)
    if not seen:
        return None
    return (
        f"Git does not ignore {', '.join(seen)} in {store.folder}: whoever gets the repository "
        f"gets the sign-in. Put a line with * into {store.folder / '.gitignore'} and run git rm "
        f"-r --cached {store.folder}. If it was ever pushed, replace the client secret at Exact "
        "and sign in again: exactonline connect."
    )


def _seen_by_git(folder: str, names: list[str]) -> list[str]:
    git = shutil.which("git")
    if git is None:
        return []
    # A repository can configure a program that watches its files; it must not be run.
    command = [git, "-c", "core.fsmonitor=false", "-C", folder, "ls-files", "-z"]
    command += ["--cached", "--others", "--exclude-standard", "--", *names]
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command; names are arguments
            command,
            env=without_secrets(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [] if done.returncode else done.stdout.decode(errors="replace").split("\0")[:-1]
