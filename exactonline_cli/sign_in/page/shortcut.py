"""Leads a browser to an address that holds a secret, which its command line must not show."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from exactonline_cli.sign_in.page.html import element

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def shortcut(address: str) -> Iterator[str | None]:
    """The address of a file of this user alone that leads on; None where none can be written.

    It is gone at the end of the block.
    """
    file = _written(_page(address))
    try:
        yield file.as_uri() if file else None
    finally:
        if file:
            file.unlink(missing_ok=True)


def _page(address: str) -> str:
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", http_equiv="refresh", content=f"0;url={address}"),
        element("title", "Connect Exact Online"),
    )
    link = element("a", "Connect Exact Online", href=address)
    return f"<!doctype html>\n{element('html', head, element('body', link), lang='en')}"


def _written(text: str) -> Path | None:
    # Browsers in a sandbox of their own see the home folder, and no temporary files of others.
    for folder in (os.path.expanduser("~"), None):  # noqa: PTH111 - it fails on nobody's account
        with suppress(OSError):
            descriptor, name = tempfile.mkstemp(".html", "exactonline-connect-", folder)
            os.close(descriptor)
            file = Path(name)
            file.write_text(text, encoding="utf-8")
            return file
    return None
