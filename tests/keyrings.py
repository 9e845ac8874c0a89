"""Keyrings of the system, made up: they are set as those of the library `keyring` are."""

from __future__ import annotations

import time
from contextlib import contextmanager
from threading import Event
from typing import TYPE_CHECKING

import keyring
from keyring.backend import KeyringBackend
from keyring.backends import fail
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator


NO_KEYRING: KeyringBackend = fail.Keyring()  # type: ignore[no-untyped-call]  # as the library has it


class Ring(KeyringBackend):
    """A keyring in memory."""

    priority = 5.0

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # as the library has it
        self.passwords: dict[tuple[str, str], str] = {}

    @override
    def get_password(self, service: str, username: str) -> str | None:
        return self.passwords.get((service, username))

    @override
    def set_password(self, service: str, username: str, password: str) -> None:
        self.passwords[service, username] = password


class LockedRing(Ring):
    """A keyring whose owner refuses to store anything."""

    @override
    def set_password(self, service: str, username: str, password: str) -> None:
        raise PermissionError(f"{service} {username} {len(password)}")


class SilentRing(Ring):
    """A keyring that waits for a user who does not come."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.user_comes = Event()

    @override
    def get_password(self, service: str, username: str) -> str | None:
        self.asked += 1
        self.user_comes.wait(60)
        return super().get_password(service, username)


class SlowRing(Ring):
    """A keyring that takes its time, and counts how often it is asked."""

    def __init__(self, passwords: dict[tuple[str, str], str]) -> None:
        super().__init__()
        self.passwords = passwords
        self.asked = 0

    @override
    def get_password(self, service: str, username: str) -> str | None:
        self.asked += 1
        time.sleep(0.05)
        return super().get_password(service, username)


@contextmanager
def in_use(ring: KeyringBackend) -> Iterator[None]:
    """Make a keyring that of the system for the length of a block."""
    former = keyring.get_keyring()
    keyring.set_keyring(ring)
    try:
        yield
    finally:
        keyring.set_keyring(former)
