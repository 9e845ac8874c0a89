"""What holds for all tests."""

from __future__ import annotations

import gc
import logging
import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from exactonline_client.http import session
from exactonline_client.store import engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    import sqlalchemy as sa
    from playwright.sync_api import BrowserContext
    from playwright.sync_api import Page as Tab

# How long an example takes says what else the machine does, and nothing of the code.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


# Thousands of tests and all libraries stay to the end: to look through them for garbage again and
# again takes a tenth of the time.
gc.disable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """Look for garbage from now on, and only among what is made from now on."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no worker is left alone with it at the end."""
    items.sort(key=lambda item: not any(map(item.get_closest_marker, ("e2e", "slow", "stress"))))


@pytest.fixture(scope="session", autouse=True)
def _ears_for_ctrl_c() -> None:
    """A job in the background ignores it, and so would the programs that the tests start."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _no_keyring() -> Iterator[None]:
    """The keyring of whoever runs the tests is left alone, by programs that they start as well."""
    patch = pytest.MonkeyPatch()
    patch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    yield
    patch.undo()


@pytest.fixture(scope="session", autouse=True)
def _statements_compiled_once() -> Iterator[None]:
    """Tests open thousands of stores in files; each would compile the same statements anew."""
    made, patch = engine.engine, pytest.MonkeyPatch()
    compiled: dict[Any, Any] = {}
    dialect: sa.Dialect | None = None

    def with_what_is_compiled(url: sa.URL, synchronous: str) -> sa.Engine:
        nonlocal dialect
        new = made(url, synchronous)
        if new.dialect.name == "sqlite":
            new.dialect = dialect = dialect or new.dialect
            new.update_execution_options(compiled_cache=compiled)
        return new

    patch.setattr(engine, "engine", with_what_is_compiled)
    yield
    patch.undo()


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is refused is asked once more at once."""
    monkeypatch.setattr(session, "PAUSE", 0)


@pytest.fixture(autouse=True)
def _no_guard_that_stays() -> Iterator[None]:
    """The secrets that one test had hidden are words like all others in the next."""
    records, stream = logging.getLogRecordFactory(), sys.stderr
    yield
    logging.setLogRecordFactory(records)
    sys.stderr = stream


@pytest.fixture
def tab(context: BrowserContext) -> Iterator[Tab]:
    """A tab of the browser `context` that a file of tests has."""
    opened = context.new_page()
    yield opened
    opened.close()
