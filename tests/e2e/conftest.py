"""Real parts: Meltano, PostgreSQL, both plugins, and a sandbox with two companies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from demo.stack import Stack, install, running

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    install()
    options = ["--invoices", "150", "--divisions", "2", "--seed", "20"]
    with running(tmp_path_factory.mktemp("e2e") / "stack", options) as parts:
        yield parts
