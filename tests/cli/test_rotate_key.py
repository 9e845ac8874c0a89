"""`exactonline rotate-key`: one command moves every secret of a store to a new key."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from cryptography.fernet import Fernet
from sqlalchemy.engine import make_url

from exactonline_client.store import rotation
from exactonline_client.store.store import Store
from exactonline_client.store.tables import connections, hash_keys, metadata, postings
from tests.client.conftest import failing
from tests.keyrings import LockedRing, Ring, in_use

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

OLD, NEW, FOREIGN = (Fernet.generate_key().decode() for _ in range(3))
RECORD = '{"YourRef": "A-1"}'
ROWS = 6


def fill(store_url: str, key: str | None) -> None:
    """A store with secrets of every kind."""
    with closing(Store(store_url, key)) as store, store.transaction() as connection:
        for name in ("a", "b"):
            secrets = {
                column: store.encrypt(f"{column} of {name}", secret=False)
                for column in ("client_secret", "access_token", "refresh_token")
            }
            row = {"name": name, "app": name, "region": "nl", "base_url": "x", "client_id": name}
            connection.execute(connections.insert().values(**row, **secrets, received_at=1.0))
        for reference, outcome in (("A-1", "in_doubt"), ("A-2", "rejected"), ("A-3", "created")):
            sealed = store.encrypt(RECORD, secret=False) if outcome != "created" else None
            key_ = {"app": "a", "division": 1, "entity": "crm/Accounts", "reference": reference}
            rest = {"stream": "accounts", "outcome": outcome, "payload_hash": "", "at": 1.0}
            why = store.encrypt("Jansen is blocked", secret=False)
            connection.execute(postings.insert().values(**key_, **rest, record=sealed, reason=why))
        key_of_hashes = {"id": 1, "key": store.encrypt("of hashes", secret=False)}
        connection.execute(hash_keys.insert().values(**key_of_hashes))


def secrets(store_url: str) -> list[bytes]:
    """All that a store keeps encrypted."""
    found: list[bytes] = []
    engine = sa.create_engine(store_url)
    with engine.connect() as connection:
        for table in metadata.sorted_tables:
            for column in table.columns:
                if isinstance(column.type, sa.LargeBinary):
                    query = sa.select(column).where(column.is_not(None))
                    found += connection.execute(query).scalars()
    engine.dispose()
    return found


def opened_by(key: str, sealed: list[bytes]) -> int:
    fernet = Fernet(key)

    def fits(data: bytes) -> bool:
        try:
            return bool(fernet.decrypt(data))
        except Exception:  # noqa: BLE001 - whatever it is that a wrong key leads to
            return False

    return sum(map(fits, sealed))


def key_file(store_url: str) -> Path:
    return Path(make_url(store_url).database or "").parent / "store.key"


class TestGiven:
    """The keys are those of the setting store_key."""

    def test_everything_is_moved(self, store_url: str, command: Callable[..., Result]) -> None:
        fill(store_url, OLD)
        result = command("rotate-key", "--json", EXACTONLINE_STORE_KEY=f"{NEW},{OLD}")
        assert result.exit_code == 0, result.output
        assert json.loads(result.stdout) == {"rotated": ROWS, "unreadable": []}
        sealed = secrets(store_url)
        assert (opened_by(NEW, sealed), opened_by(OLD, sealed)) == (len(sealed), 0)
        assert not key_file(store_url).exists()

    def test_the_present_key_alone_is_refused(
        self, store_url: str, command: Callable[..., Result]
    ) -> None:
        fill(store_url, OLD)
        result = command("rotate-key", EXACTONLINE_STORE_KEY=OLD)
        assert result.exit_code == 2
        assert "Put the new one before it" in result.stderr

    def test_one_that_is_cut_off_is_carried_on(
        self, store_url: str, command: Callable[..., Result]
    ) -> None:
        fill(store_url, OLD)
        both = {"EXACTONLINE_STORE_KEY": f"{NEW},{OLD}"}
        with closing(Store(store_url, OLD)) as store, failing(store, "postings"):
            result = command("rotate-key", **both)
        assert result.exit_code == 8
        assert "disk is full" in result.stderr
        sealed = secrets(store_url)
        # Two connections of three secrets each, and the key of hashes.
        assert (opened_by(NEW, sealed), opened_by(OLD, sealed)) == (7, len(sealed) - 7)
        result = command("rotate-key", **both)
        assert result.exit_code == 0
        assert result.stdout == f"{ROWS} rows of the store are now encrypted with the new key.\n"
        assert opened_by(NEW, secrets(store_url)) == len(sealed)

    def test_a_row_of_another_key_is_named_and_left(
        self, store_url: str, command: Callable[..., Result]
    ) -> None:
        fill(store_url, OLD)
        foreign = Fernet(FOREIGN).encrypt(RECORD.encode())
        with closing(Store(store_url, OLD)) as store, store.transaction() as connection:
            one = postings.c.reference == "A-1"
            connection.execute(postings.update().where(one).values(record=foreign))
        result = command("rotate-key", EXACTONLINE_STORE_KEY=f"{NEW},{OLD}")
        assert result.exit_code == 8
        assert "division 1, entity crm/Accounts, reference A-1. Add that key too" in result.stderr
        # The row is left whole, its reason included.
        assert opened_by(NEW, secrets(store_url)) == len(secrets(store_url)) - 2
        keys_ = f"{NEW},{OLD},{FOREIGN}"
        assert command("rotate-key", EXACTONLINE_STORE_KEY=keys_).exit_code == 0
        assert opened_by(NEW, secrets(store_url)) == len(secrets(store_url))

    def test_a_row_that_goes_meanwhile_is_passed_over(self, store_url: str) -> None:
        fill(store_url, OLD)
        others_go = (
            "CREATE TRIGGER go AFTER UPDATE ON postings "
            "BEGIN DELETE FROM postings WHERE reference <> NEW.reference; END"
        )
        with closing(Store(store_url, f"{NEW},{OLD}")) as store:
            with store.transaction() as connection:
                connection.exec_driver_sql(others_go)
            assert rotation.rotate(store).rotated == ROWS - 2


class TestKept:
    """The key is in the keyring of the system, or in a file."""

    def test_a_key_file_gets_a_new_key(
        self, store_url: str, command: Callable[..., Result]
    ) -> None:
        fill(store_url, None)
        old = key_file(store_url).read_text()
        assert command("rotate-key").exit_code == 0
        new = key_file(store_url).read_text()
        assert key_file(store_url).stat().st_mode & 0o777 == 0o600
        sealed = secrets(store_url)
        assert (opened_by(new, sealed), opened_by(old, sealed)) == (len(sealed), 0)
        assert {path.name for path in key_file(store_url).parent.iterdir()} >= {"store.key"}
        assert not key_file(store_url).with_suffix(".key.new").exists()

    def test_one_that_is_cut_off_keeps_both_and_is_carried_on(
        self, store_url: str, command: Callable[..., Result]
    ) -> None:
        fill(store_url, None)
        old = key_file(store_url).read_text()
        with closing(Store(store_url)) as store, failing(store, "connections"):
            assert command("rotate-key").exit_code == 8
        new, *rest = key_file(store_url).read_text().split(",")
        assert rest == [old]
        with closing(Store(store_url)) as store:
            assert all(store.decrypt(data, secret=False) for data in secrets(store_url))
        assert command("rotate-key").exit_code == 0
        assert key_file(store_url).read_text() == new
        assert opened_by(new, secrets(store_url)) == len(secrets(store_url))

    def test_an_unreadable_row_keeps_the_old_key(
        self, store_url: str, command: Callable[..., Result]
    ) -> None:
        fill(store_url, None)
        with closing(Store(store_url)) as store, store.transaction() as connection:
            connection.execute(postings.update().values(record=b"nonsense"))
        assert command("rotate-key").exit_code == 8
        assert len(key_file(store_url).read_text().split(",")) == 2

    def test_a_keyring_gets_a_new_key(self, store_url: str, command: Callable[..., Result]) -> None:
        ring = Ring()
        with in_use(ring):
            fill(store_url, None)
            (old,) = ring.passwords.values()
            assert command("rotate-key").exit_code == 0
        (new,) = ring.passwords.values()
        sealed = secrets(store_url)
        assert (opened_by(new, sealed), opened_by(old, sealed)) == (len(sealed), 0)
        assert not key_file(store_url).exists()

    def test_a_keyring_that_takes_none_is_told(
        self, store_url: str, command: Callable[..., Result]
    ) -> None:
        ring, locked = Ring(), LockedRing()
        with in_use(ring):
            fill(store_url, None)
        locked.passwords = ring.passwords
        with in_use(locked):
            result = command("rotate-key")
        assert result.exit_code == 8
        assert "does not take a new key" in result.stderr

    def test_a_damaged_key_file_is_left_alone(
        self, store_url: str, command: Callable[..., Result]
    ) -> None:
        fill(store_url, None)
        key_file(store_url).write_text(f"{NEW},nonsense")
        result = command("rotate-key")
        assert result.exit_code == 8
        assert "is damaged" in result.stderr
        assert key_file(store_url).read_text() == f"{NEW},nonsense"
