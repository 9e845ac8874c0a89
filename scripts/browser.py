"""Debian's Chromium, without a window and without calls of its own."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import BrowserContext

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WAIT = 15_000
"""Milliseconds the browser may take for anything."""


@contextmanager
def browser(*, script: bool = False, **options: Any) -> Iterator[BrowserContext]:  # noqa: ANN401
    """A browser with a profile that is deleted at the end.

    Args:
        script: whether pages may run scripts.
        options: of Playwright, such as `viewport` and `color_scheme`.
    """
    with TemporaryDirectory() as profile, sync_playwright() as playwright:
        opened = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=CHROMIUM,
            headless=True,
            args=FLAGS,
            java_script_enabled=script,
            **options,
        )
        opened.set_default_timeout(WAIT)
        yield opened
        opened.close()
