"""Where the key of a store is kept: a keyring where one works, else a file, and never a wait."""

from __future__ import annotations

import errno
from threading import Event
from typing import TYPE_CHECKING

import pytest
from cryptography.fernet import Fernet
from typing_extensions import override

from exactonline_client.errors import StoreError
from exactonline_client.store import keys
from exactonline_client.store.store import Store

if TYPE_CHECKING:
    from pathlib import Path

STORE = "sqlite:///here"


class Ring:
    """A keyring in memory."""

    def __init__(self) -> None:
        self.passwords: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.passwords.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.passwords[service, username] = password


class LockedRing(Ring):
    """A keyring whose owner said no."""

    @override
    def set_password(self, service: str, username: str, password: str) -> None:
        raise PermissionError(f"{service} {username} {len(password)}")


class SilentRing(Ring):
    """A keyring that waits for a person who is not there."""

    def __init__(self) -> None:
        super().__init__()
        self.person_comes = Event()

    @override
    def get_password(self, service: str, username: str) -> str | None:
        self.person_comes.wait(60)
        return super().get_password(service, username)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "store.key"


def use(monkeypatch: pytest.MonkeyPatch, ring: Ring | None) -> None:
    monkeypatch.setattr(keys, "system_keyring", lambda: ring)


def test_a_keyring_that_works_holds_it(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ring = Ring()
    use(monkeypatch, ring)
    sealed = keys.load_or_create(file, STORE).encrypt(b"hush")
    assert not file.exists()
    assert list(ring.passwords) == [("exactonline", STORE)]
    assert keys.load_or_create(file, STORE).decrypt(sealed) == b"hush"


@pytest.mark.parametrize("ring", [None, LockedRing()])
def test_without_one_a_file_holds_it(
    ring: Ring | None, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, ring)
    sealed = keys.load_or_create(file, STORE).encrypt(b"hush")
    assert Fernet(file.read_bytes()).decrypt(sealed) == b"hush"
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_key_for_which_there_is_no_room_is_told(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(keys, "system_keyring", lambda: None)
    monkeypatch.setattr("pathlib.Path.open", full)
    with pytest.raises(StoreError, match="cannot be written: No space left on device"):
        keys.load_or_create(file, STORE)


def test_a_keyring_that_does_not_answer_is_done_without(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = SilentRing()
    use(monkeypatch, ring)
    monkeypatch.setattr(keys, "KEYRING_TIMEOUT", 0.1)
    keys.load_or_create(file, STORE)
    assert file.exists()
    ring.person_comes.set()


def test_a_file_that_was_there_before_the_keyring_goes_on(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, None)
    sealed = keys.load_or_create(file, STORE).encrypt(b"hush")
    ring = Ring()
    use(monkeypatch, ring)
    assert keys.load_or_create(file, STORE).decrypt(sealed) == b"hush"
    assert not ring.passwords


def test_a_file_made_where_the_keyring_was_out_of_reach_hides_nothing(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = Ring()
    use(monkeypatch, ring)
    sealed = keys.load_or_create(file, STORE).encrypt(b"hush")
    use(monkeypatch, None)
    keys.load_or_create(file, STORE)
    use(monkeypatch, ring)
    assert keys.load_or_create(file, STORE).decrypt(sealed) == b"hush"


def test_a_key_out_of_reach_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Ring())
    store = Store(f"sqlite:///{tmp_path / 'store.db'}")
    sealed = store.encrypt("hush")
    store.close()
    use(monkeypatch, None)
    store = Store(f"sqlite:///{tmp_path / 'store.db'}")
    with pytest.raises(StoreError, match=r"another key.*keyring"):
        store.decrypt(sealed)
    store.close()


@pytest.mark.parametrize("backend", ["fail", "null", "nonsense"])
def test_a_keyring_that_is_none_is_not_used(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", f"keyring.backends.{backend}.Keyring")
    monkeypatch.setattr("keyring.core._keyring_backend", None)
    assert keys.system_keyring() is None
