"""Tests that need Chromium are skipped loudly without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scripts.browser import CHROMIUM

if TYPE_CHECKING:
    from pytest import MarkDecorator  # noqa: PT013 - a type


def in_chromium(untested: str) -> list[MarkDecorator]:
    """Marks of a file of tests.

    Args:
        untested: what is not tested without a browser, such as `the report was not opened`.
    """
    reason = f"NO BROWSER: {untested} in Chromium. Install it with scripts/install_browser.sh"
    return [pytest.mark.e2e, pytest.mark.skipif(CHROMIUM is None, reason=reason)]
