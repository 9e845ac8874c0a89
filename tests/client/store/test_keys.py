"""Where the key of a store is kept: a keyring where one works, else a file, and never a wait."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from cryptography.fernet import Fernet, InvalidToken

from exactonline_client import redaction
from exactonline_client.errors import StoreError
from exactonline_client.store import keys
from exactonline_client.store.store import Store
from tests.keyrings import NO_KEYRING, LockedRing, Ring, SilentRing, SlowRing, in_use

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from keyring.backend import KeyringBackend

STORE = "sqlite:///here"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "store.key"


@pytest.fixture
def hidden(file: Path) -> tuple[Ring, bytes]:
    """A keyring out of whose reach a file was made, and what its key has encrypted before."""
    ring = Ring()
    with in_use(ring):
        sealed = keys.load_or_create(file, STORE).encrypt(b"hush")
    with in_use(NO_KEYRING):
        keys.load_or_create(file, STORE)
    return ring, sealed


@contextmanager
def no_room() -> Iterator[None]:
    """Let no file grow, as on a full disk."""
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, former[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)


def test_a_keyring_that_works_holds_it(file: Path) -> None:
    ring = Ring()
    with in_use(ring):
        sealed = keys.load_or_create(file, STORE).encrypt(b"hush")
        assert not file.exists()
        assert list(ring.passwords) == [("exactonline", STORE)]
        assert keys.load_or_create(file, STORE).decrypt(sealed) == b"hush"


@pytest.mark.parametrize("ring", [NO_KEYRING, LockedRing()])
def test_without_one_a_file_holds_it(ring: KeyringBackend, file: Path) -> None:
    with in_use(ring):
        sealed = keys.load_or_create(file, STORE).encrypt(b"hush")
    assert Fernet(file.read_bytes()).decrypt(sealed) == b"hush"
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_key_for_which_there_is_no_room_is_told(file: Path) -> None:
    with (
        in_use(NO_KEYRING),
        no_room(),
        pytest.raises(StoreError, match="cannot be written: File too large"),
    ):
        keys.load_or_create(file, STORE)
    assert not file.exists()


def test_a_keyring_that_does_not_answer_is_done_without(file: Path) -> None:
    ring = SilentRing()
    with in_use(ring):
        keys.load_or_create(file, STORE, timeout=0.1)
    assert file.exists()
    ring.user_comes.set()


def test_a_file_that_was_there_before_the_keyring_goes_on(file: Path) -> None:
    with in_use(NO_KEYRING):
        sealed = keys.load_or_create(file, STORE).encrypt(b"hush")
    ring = Ring()
    with in_use(ring):
        assert keys.load_or_create(file, STORE).decrypt(sealed) == b"hush"
    assert not ring.passwords


def test_a_file_made_where_the_keyring_was_out_of_reach_hides_nothing(
    file: Path, hidden: tuple[Ring, bytes]
) -> None:
    ring, sealed = hidden
    with in_use(ring):
        assert keys.load_or_create(file, STORE).decrypt(sealed) == b"hush"


def test_a_keyring_is_not_asked_while_the_keys_of_the_file_fit(file: Path) -> None:
    with in_use(NO_KEYRING):
        sealed = keys.load_or_create(file, STORE).encrypt(b"hush")
    foreign = Fernet(Fernet.generate_key()).encrypt(b"hush")
    ring = SilentRing()
    with in_use(ring):
        found = keys.load_or_create(file, STORE, timeout=0.1)
        assert found.decrypt(sealed) == found.decrypt(found.reencrypt(sealed)) == b"hush"
        assert ring.asked == 0
        with pytest.raises(InvalidToken):
            found.decrypt(foreign)
        assert ring.asked == 1
    ring.user_comes.set()


def test_threads_ask_a_keyring_once(file: Path, hidden: tuple[Ring, bytes]) -> None:
    ring, sealed = hidden
    slow = SlowRing(ring.passwords)
    with in_use(slow):
        found = keys.load_or_create(file, STORE)
        with ThreadPoolExecutor(8) as pool:
            assert [*pool.map(found.decrypt, [sealed] * 8)] == [b"hush"] * 8
    assert slow.asked == 1


def test_a_key_that_was_replaced_meanwhile_encrypts_nothing_more(file: Path) -> None:
    """The first key of the old ones is forgotten: what it encrypts could not be read any more."""
    ring = Ring()
    with in_use(NO_KEYRING):
        found = keys.load_or_create(file, STORE)
    with in_use(ring):
        ring.passwords["exactonline", STORE] = Fernet.generate_key().decode()
        keys.renew(file, STORE)
        keys.forget_old(file, STORE)
        sealed = keys.load_or_create(file, STORE).encrypt(b"hush")
        with pytest.raises(InvalidToken):
            found.decrypt(sealed)


def test_a_key_of_the_keyring_is_redacted_once_it_is_used(
    file: Path, hidden: tuple[Ring, bytes]
) -> None:
    ring, sealed = hidden
    (key,) = ring.passwords.values()
    redactor = redaction.install()
    with in_use(ring):
        found = keys.load_or_create(file, STORE)
        assert key in redactor.clean(f"the key is {key}")
        assert found.decrypt(sealed) == b"hush"
    assert key not in redactor.clean(f"the key is {key}")


def test_a_key_out_of_reach_is_told(tmp_path: Path) -> None:
    with in_use(Ring()):
        store = Store(f"sqlite:///{tmp_path / 'store.db'}")
        sealed = store.encrypt("hush")
        store.close()
    with in_use(NO_KEYRING):
        store = Store(f"sqlite:///{tmp_path / 'store.db'}")
        with pytest.raises(StoreError, match=r"another key.*keyring"):
            store.decrypt(sealed)
        store.close()


@pytest.mark.parametrize("backend", ["fail", "null", "nonsense"])
def test_a_keyring_that_is_none_is_not_used(backend: str) -> None:
    program = "from exactonline_client.store import keys; print(keys.system_keyring())"
    shown = subprocess.check_output(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHON_KEYRING_BACKEND": f"keyring.backends.{backend}.Keyring"},
        text=True,
    )
    assert shown == "None\n"
