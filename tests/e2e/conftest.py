"""Real parts: Meltano, PostgreSQL, both plugins, and a sandbox with two companies."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from demo.stack import Stack, alone_in_checkout, install, running

if TYPE_CHECKING:
    from collections.abc import Iterator


WAIT = 900
"""Seconds; another file of tests may use the checkout first."""


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    options = ["--invoices", "100", "--divisions", "2", "--seed", "20", "--minutely-limit", "600"]
    # Not in pytest's folder, which pytest closes to others: PostgreSQL runs as a user of its own.
    with alone_in_checkout(WAIT), TemporaryDirectory() as folder:
        install()
        with running(Path(folder) / "stack", options) as parts:
            yield parts
