"""Hashes of what the store has to know again, and need not be able to tell.

A code or a reference is short enough to be guessed from a plain hash. So these are made with a key,
which the store keeps encrypted like all that is secret: without the key of the store they say
nothing, and they stay the same when that is renewed.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import sqlalchemy as sa

from exactonline_client.errors import StoreError
from exactonline_client.store.engine import patient
from exactonline_client.store.tables import hash_keys

if TYPE_CHECKING:
    from exactonline_client.store.store import Store


@dataclass(frozen=True)
class Digests:
    """The hashes of one store."""

    store: Store

    def of(self, *parts: str) -> str:
        """The hash of some texts together."""
        return _digest(self._keys[0], parts)

    def known(self, *parts: str) -> list[str]:
        """Every hash that the store may have made of some texts."""
        return [_digest(key, parts) for key in self._keys]

    @cached_property
    def _keys(self) -> list[str]:
        """The keys that can be read, the oldest first: usually one."""
        return self._load() or self._create()

    def _load(self) -> list[str]:
        query = sa.select(hash_keys.c.key).order_by(hash_keys.c.id)
        return [key for (sealed,) in self.store.read(query) if (key := self._decrypted(sealed))]

    def _decrypted(self, sealed: bytes) -> str | None:
        try:
            return self.store.decrypt(sealed)
        except StoreError:
            # It is lost with the key of the store; what was hashed with it is not known again.
            return None

    @patient
    def _create(self) -> list[str]:
        """A new key, or the one that another process has noted just now."""
        number = sa.select(sa.func.coalesce(sa.func.max(hash_keys.c.id), 0) + 1)
        with self.store.transaction() as connection:
            key = {
                "id": connection.execute(number).scalar_one(),
                "key": self.store.encrypt(secrets.token_hex(32)),
            }
            row = self.store.insert(hash_keys).values(**key).on_conflict_do_nothing()
            connection.execute(row)
        return self._load()


def _digest(key: str, parts: tuple[str, ...]) -> str:
    # Half of a surrogate pair has no bytes of its own.
    text = "\0".join(parts).encode(errors="backslashreplace")
    return hmac.new(key.encode(), text, "sha256").hexdigest()
