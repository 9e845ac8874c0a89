"""What holds for all tests."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session", autouse=True)
def _no_keyring() -> Iterator[None]:
    """The keyring of whoever runs the tests is left alone, by programs that they start as well."""
    patch = pytest.MonkeyPatch()
    patch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    yield
    patch.undo()


@pytest.fixture(autouse=True)
def _no_guard_that_stays() -> Iterator[None]:
    """The secrets that one test had hidden are words like all others in the next."""
    records, stream = logging.getLogRecordFactory(), sys.stderr
    yield
    logging.setLogRecordFactory(records)
    sys.stderr = stream
