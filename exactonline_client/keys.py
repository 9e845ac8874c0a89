"""The keys that encrypt secrets in the store: given, in the system's keyring, or in a file.

A keyring is used where the optional package `keyring` is installed and finds one that works. A
machine without any (a container, a server) must neither fail nor hang for want of it.
"""

from __future__ import annotations

from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Protocol, TypeVar

from cryptography.fernet import Fernet, MultiFernet

from exactonline_client import files
from exactonline_client.errors import ConfigurationError, StoreError
from exactonline_client.redaction import remember

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SERVICE = "exactonline"
PATIENCE = 20.0
"""Seconds to wait for a keyring: a person may have to unlock it."""
LEAST_PRIORITY = 1
"""What the package `keyring` gives at least to a keyring it recommends."""


Answer = TypeVar("Answer")


class Keyring(Protocol):
    """What is needed of a keyring of the system."""

    def get_password(self, service: str, username: str) -> str | None:
        """The password kept under this name."""

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep a password."""


def given(text: str) -> MultiFernet:
    """The keys of a setting, with commas between; the first encrypts.

    Raises:
        ConfigurationError: one of them is no key.
    """
    parts = [part.strip() for part in text.split(",")]
    remember(*parts)
    try:
        return MultiFernet([Fernet(part) for part in parts])
    except ValueError:
        raise ConfigurationError(
            "Setting store_key must hold Fernet keys: 32 random bytes in url-safe base64. "
            "Make one with: python -c 'from cryptography.fernet import Fernet; "
            "print(Fernet.generate_key().decode())'"
        ) from None


def kept(file: Path, store: str) -> MultiFernet:
    """The keys kept for a store, and a new one where there is none.

    A key file that exists goes on being used. `store` is the store's name in the keyring.

    Raises:
        StoreError: the key file is damaged or cannot be used.
    """
    ring = system_keyring()
    files.owner_only(file.with_suffix(".key.lock"))
    with files.lock(file.with_suffix(".key.lock")):
        found = [key for key in (_in_file(file), _in_keyring(ring, store)) if key]
        if not found:
            found = [Fernet.generate_key().decode()]
            if not _put_in_keyring(ring, store, found[0]):
                files.owner_only(file)
                file.write_text(found[0], encoding="ascii")
    remember(*found)
    return MultiFernet([Fernet(key) for key in found])


def _in_file(file: Path) -> str | None:
    if not file.exists():
        return None
    files.owner_only(file)
    key = file.read_bytes().strip()
    if not key:
        return None
    try:
        Fernet(key)
    except ValueError:
        raise StoreError(
            f"The key file {file} is damaged. Put its copy back if you have one; else remove it "
            "and sign in again: exactonline connect."
        ) from None
    return key.decode()


def _in_keyring(ring: Keyring | None, store: str) -> str | None:
    if ring is None:
        return None
    key = _patiently(lambda: ring.get_password(SERVICE, store))
    try:
        Fernet(key or "")
    except ValueError:
        return None
    return key


def _put_in_keyring(ring: Keyring | None, store: str, key: str) -> bool:
    if ring is None:
        return False

    def put() -> bool:
        ring.set_password(SERVICE, store, key)
        return ring.get_password(SERVICE, store) == key

    return bool(_patiently(put))


def system_keyring() -> Keyring | None:
    """The keyring of this system, where one is installed, recommended and answers."""

    def find() -> Keyring | None:
        import keyring  # noqa: PLC0415 - an optional package

        ring = keyring.get_keyring()
        return ring if ring.priority >= LEAST_PRIORITY else None

    return _patiently(find)


def _patiently(ask: Callable[[], Answer]) -> Answer | None:
    """What a keyring answers; None where it fails or does not answer in time."""
    answers: list[Answer] = []

    def work() -> None:
        # Each kind of keyring fails in its own way, and none of them may stop a run.
        with suppress(Exception):
            answers.append(ask())

    thread = Thread(target=work, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return answers[0] if answers else None
