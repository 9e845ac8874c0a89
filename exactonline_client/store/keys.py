"""The keys that encrypt secrets in the store: given, in the system's keyring, or in a file.

A keyring is used where the optional package `keyring` is installed and finds one that works. A
machine without any (a container, a server) must neither fail nor hang for want of it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Protocol, TypeVar

from cryptography.fernet import Fernet, MultiFernet

from exactonline_client.errors import ConfigurationError, StoreError
from exactonline_client.redaction import remember
from exactonline_client.store import files

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

SERVICE = "exactonline"
KEYRING_TIMEOUT = 20.0
"""Seconds to wait for a keyring: a person may have to unlock it."""
MIN_PRIORITY = 1
"""What the package `keyring` gives at least to a keyring it recommends."""


Answer = TypeVar("Answer")


class Keyring(Protocol):
    """What is needed of a keyring of the system."""

    def get_password(self, service: str, username: str) -> str | None:
        """The password kept under this name."""

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep a password."""


def parse(text: str) -> MultiFernet:
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


def load_or_create(file: Path, store: str) -> MultiFernet:
    """The keys kept for a store, and a new one where there is none.

    A key file that exists goes on being used. `store` is the store's name in the keyring.

    Raises:
        StoreError: the key file is damaged or cannot be used.
    """
    ring = system_keyring()
    with _exclusive(file):
        found = [*_in_file(file), *_in_keyring(ring, store)]
        if not found:
            found = [_new()]
            if not _put_in_keyring(ring, store, found[0]):
                _put_in_file(file, found[0])
    remember(*found)
    return MultiFernet([Fernet(key) for key in found])


def renew(file: Path, store: str) -> None:
    """Put a new key before the one that is kept, unless two are there from before.

    Raises:
        StoreError: the keyring does not take it, or the key file cannot be used.
    """
    with _exclusive(file):
        found = [*_in_file(file), *_in_keyring(system_keyring(), store)]
        if not _is_renewed(file, store):
            _put(file, store, ",".join([_new(), *found]))


def forget_old(file: Path, store: str) -> None:
    """Keep the first key alone.

    Raises:
        StoreError: as `renew`.
    """
    with _exclusive(file):
        found = [*_in_file(file), *_in_keyring(system_keyring(), store)]
        _put(file, store, found[0])


def _is_renewed(file: Path, store: str) -> bool:
    present = _in_file(file) or _in_keyring(system_keyring(), store)
    return len(present) > 1


def _put(file: Path, store: str, text: str) -> None:
    """Keep keys where the present ones are; a file goes before a keyring."""
    ring = system_keyring()
    in_ring = bool(_in_keyring(ring, store))
    if file.exists() or not in_ring:
        _put_in_file(file, text)
    if in_ring and not _put_in_keyring(ring, store, text):
        raise StoreError("The keyring of the system does not take a new key. Unlock it first.")


def _exclusive(file: Path) -> AbstractContextManager[None]:
    return files.lock(file.with_suffix(".key.lock"))


def _new() -> str:
    return Fernet.generate_key().decode()


def _in_file(file: Path) -> list[str]:
    if not file.exists():
        return []
    files.ensure_private_file(file)
    text = file.read_bytes().strip()
    try:
        return _keys(text.decode())
    except ValueError:
        raise StoreError(
            f"The key file {file} is damaged. Put its copy back if you have one; else remove it "
            "and sign in again: exactonline connect."
        ) from None


def _keys(text: str) -> list[str]:
    """The keys in a text, with commas between; ValueError where one is none."""
    found = text.split(",") if text else []
    for key in found:
        Fernet(key)
    return found


def _put_in_file(file: Path, text: str) -> None:
    """Write the key file, whole or not at all: without it the store is lost."""
    fresh = file.with_suffix(".key.new")
    files.ensure_private_file(fresh)
    try:
        with fresh.open("w", encoding="ascii") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(file)
    except OSError as error:
        raise StoreError(
            f"The key file {file} cannot be written: {error.strerror}. Choose another place with "
            "the setting store_url, or set store_key."
        ) from None


def _in_keyring(ring: Keyring | None, store: str) -> list[str]:
    if ring is None:
        return []
    text = _with_timeout(lambda: ring.get_password(SERVICE, store))
    try:
        return _keys(text or "")
    except ValueError:
        return []


def _put_in_keyring(ring: Keyring | None, store: str, key: str) -> bool:
    if ring is None:
        return False

    def put() -> bool:
        ring.set_password(SERVICE, store, key)
        return ring.get_password(SERVICE, store) == key

    return bool(_with_timeout(put))


def system_keyring() -> Keyring | None:
    """The keyring of this system, where one is installed, recommended and answers."""

    def find() -> Keyring | None:
        import keyring  # noqa: PLC0415 - an optional package

        ring = keyring.get_keyring()
        return ring if ring.priority >= MIN_PRIORITY else None

    return _with_timeout(find)


def _with_timeout(ask: Callable[[], Answer]) -> Answer | None:
    """What a keyring answers; None where it fails or does not answer in time."""
    answers: list[Answer] = []

    def work() -> None:
        # Each kind of keyring fails in its own way, and none of them may stop a run.
        with suppress(Exception):
            answers.append(ask())

    thread = Thread(target=work, daemon=True)
    thread.start()
    thread.join(KEYRING_TIMEOUT)
    return answers[0] if answers else None
