"""Open an address with a secret in a browser, without the secret on its command line."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from exactonline_cli.sign_in.page.render import render

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def shortcut(address: str) -> Iterator[str | None]:
    """Write a private file that redirects to the address; yield its URL, or None if that fails.

    The file is deleted at the end of the block.
    """
    file = _written(render("shortcut.html", address=address))
    try:
        yield file.as_uri() if file else None
    finally:
        if file:
            file.unlink(missing_ok=True)


def _written(text: str) -> Path | None:
    # A sandboxed browser can read the home folder, and no temporary files of other programs.
    for folder in (os.path.expanduser("~"), None):  # noqa: PTH111 - it fails on nobody's account
        with suppress(OSError):
            descriptor, name = tempfile.mkstemp(".html", "exactonline-connect-", folder)
            os.close(descriptor)
            file = Path(name)
            file.write_text(text, encoding="utf-8")
            return file
    return None
