"""Encryption keys of the store: from a setting, the system's keyring, or a file.

A keyring is used if the optional package `keyring` is installed and finds a working one. A machine
without one (a container, a server) must neither fail nor hang.
"""

from __future__ import annotations

import os
from contextlib import suppress
from threading import Lock, Thread
from typing import TYPE_CHECKING, Protocol, TypeVar

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from exactonline_client.errors import ConfigurationError, StoreError
from exactonline_client.redaction import remember
from exactonline_client.store import files

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

SERVICE = "exactonline"
KEYRING_TIMEOUT = 20.0
"""Seconds to wait for a keyring, which a user may have to unlock."""
MIN_PRIORITY = 1
"""Minimum priority of keyrings that the package `keyring` recommends."""


Answer = TypeVar("Answer")


class Keyring(Protocol):
    """Interface of a keyring of the system."""

    def get_password(self, service: str, username: str) -> str | None:
        """Return a password; None if there is none."""

    def set_password(self, service: str, username: str, password: str) -> None:
        """Store a password."""


class Keys:
    """The keys of a store, of which the first encrypts."""

    def __init__(self, keys: Sequence[str], more: Callable[[], Sequence[str]] = tuple) -> None:
        """Take the keys; `more` returns others, and is called if none of `keys` decrypts.

        Raises:
            ValueError: one of them is no Fernet key.
        """
        remember(*keys)
        self._fernets = [Fernet(key) for key in keys]
        self._more = more
        self._lock = Lock()
        self._all: MultiFernet | None = None

    def encrypt(self, data: bytes) -> bytes:
        """Encrypt with the first key."""
        return self._fernets[0].encrypt(data)

    def decrypt(self, data: bytes) -> bytes:
        """Decrypt with any of the keys.

        Raises:
            InvalidToken: none of them fits.
        """
        return self._with_any(MultiFernet.decrypt, data)

    def reencrypt(self, data: bytes) -> bytes:
        """Decrypt with any of the keys and encrypt with the first.

        Raises:
            InvalidToken: none of them fits.
        """
        return self._with_any(MultiFernet.rotate, data)

    def _with_any(self, work: Callable[[MultiFernet, bytes], bytes], data: bytes) -> bytes:
        try:
            return work(MultiFernet(self._fernets), data)
        except InvalidToken:
            with self._lock:
                if self._all is None:
                    more = self._more()
                    remember(*more)
                    self._all = MultiFernet([*self._fernets, *map(Fernet, more)])
            return work(self._all, data)


def parse(text: str) -> Keys:
    """Parse the setting `store_key`: keys separated by commas, of which the first encrypts.

    Raises:
        ConfigurationError: one of them is no Fernet key.
    """
    try:
        return Keys([part.strip() for part in text.split(",")])
    except ValueError:
        raise ConfigurationError(
            "Setting store_key must hold Fernet keys: 32 random bytes in url-safe base64. "
            "Make one with: python -c 'from cryptography.fernet import Fernet; "
            "print(Fernet.generate_key().decode())'"
        ) from None


def load_or_create(file: Path, store: str, timeout: float = KEYRING_TIMEOUT) -> Keys:
    """Load the keys of a store, or create one.

    An existing key file takes precedence over the keyring, which is slow to ask.

    Args:
        file: the key file.
        store: name of the store in the keyring.
        timeout: seconds to wait for each call of the keyring.

    Raises:
        StoreError: the key file is damaged or cannot be used.
    """
    with _exclusive(file):
        present = _in_file(file)
        if present:
            return Keys(present, lambda: _behind(file, present, store, timeout))
        ring = system_keyring(timeout)
        present = _in_keyring(ring, store, timeout)
        if not present:
            present = [_new()]
            if not _put_in_keyring(ring, store, present[0], timeout):
                _put_in_file(file, present[0])
    return Keys(present)


def _behind(file: Path, present: Sequence[str], store: str, timeout: float) -> Sequence[str]:
    """Return the keys of the keyring, unless those of the file were replaced.

    Then what the first of them encrypts could not be decrypted any more.
    """
    unchanged = _in_file(file) == [*present]
    return _in_keyring(system_keyring(timeout), store, timeout) if unchanged else ()


def renew(file: Path, store: str) -> None:
    """Add a new key before the present one, unless there are two already.

    Raises:
        StoreError: the keyring or the key file cannot be written.
    """
    with _exclusive(file):
        present = [*_in_file(file), *_in_keyring(system_keyring(), store)]
        if not _is_renewed(file, store):
            _put(file, store, ",".join([_new(), *present]))


def forget_old(file: Path, store: str) -> None:
    """Delete all keys except the first.

    Raises:
        StoreError: as for `renew`.
    """
    with _exclusive(file):
        present = [*_in_file(file), *_in_keyring(system_keyring(), store)]
        _put(file, store, present[0])


def _is_renewed(file: Path, store: str) -> bool:
    present = _in_file(file) or _in_keyring(system_keyring(), store)
    return len(present) > 1


def _put(file: Path, store: str, text: str) -> None:
    """Write keys to the file or keyring that holds the present ones."""
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
            f"The key file {file} is damaged. Put its copy back if you have one; otherwise remove "
            "it and sign in again: exactonline connect."
        ) from None


def _keys(text: str) -> list[str]:
    """Split keys at commas; raise ValueError if one is invalid."""
    parts = text.split(",") if text else []
    for key in parts:
        Fernet(key)
    return parts


def _put_in_file(file: Path, text: str) -> None:
    """Write the key file atomically: without it the store is lost."""
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


def _in_keyring(ring: Keyring | None, store: str, timeout: float = KEYRING_TIMEOUT) -> list[str]:
    if ring is None:
        return []
    text = _with_timeout(lambda: ring.get_password(SERVICE, store), timeout)
    try:
        return _keys(text or "")
    except ValueError:
        return []


def _put_in_keyring(
    ring: Keyring | None, store: str, key: str, timeout: float = KEYRING_TIMEOUT
) -> bool:
    if ring is None:
        return False

    def put() -> bool:
        ring.set_password(SERVICE, store, key)
        return ring.get_password(SERVICE, store) == key

    return bool(_with_timeout(put, timeout))


def system_keyring(timeout: float = KEYRING_TIMEOUT) -> Keyring | None:
    """Return the keyring of this system, if one is installed, recommended and responsive."""

    def find() -> Keyring | None:
        import keyring  # noqa: PLC0415 - an optional package

        ring = keyring.get_keyring()
        return ring if ring.priority >= MIN_PRIORITY else None

    return _with_timeout(find, timeout)


def _with_timeout(call: Callable[[], Answer], timeout: float) -> Answer | None:
    """Call a keyring; return None if it fails or does not respond in time."""
    answers: list[Answer] = []

    def work() -> None:
        # Each backend raises its own exceptions, and none may stop a run.
        with suppress(Exception):
            answers.append(call())

    thread = Thread(target=work, daemon=True)
    thread.start()
    thread.join(timeout)
    return answers[0] if answers else None
