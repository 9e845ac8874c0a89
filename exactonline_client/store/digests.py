"""Keyed hashes of values that the store has to recognise, not to show.

A plain hash of a code or a reference could be reversed by guessing. So the hashes are keyed (HMAC).
The store keeps their key encrypted, so that they do not change when the store's own key is rotated.
"""

from __future__ import annotations

import hmac
import secrets
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from exactonline_client.errors import StoreError
from exactonline_client.store.engine import retry_on_lost_connection
from exactonline_client.store.tables import hash_keys

if TYPE_CHECKING:
    from exactonline_client.store.store import Store


class Digests(msgspec.Struct, frozen=True, dict=True):
    """Computes the hashes of a store."""

    store: Store

    def of(self, *parts: str) -> str:
        """Hash some texts together."""
        return _digest(self._keys[0], parts)

    def known(self, *parts: str) -> list[str]:
        """Return every hash that the store may have of some texts, one for each key."""
        return [_digest(key, parts) for key in self._keys]

    @cached_property
    def _keys(self) -> list[str]:
        """The readable keys, the oldest first; usually one."""
        return self._load() or self._create()

    def _load(self) -> list[str]:
        query = sa.select(hash_keys.c.key).order_by(hash_keys.c.id)
        return [key for (sealed,) in self.store.read(query) if (key := self._decrypted(sealed))]

    def _decrypted(self, sealed: bytes) -> str | None:
        try:
            return self.store.decrypt(sealed)
        except StoreError:
            # Lost with an old key of the store; its hashes can no longer be matched.
            return None

    @retry_on_lost_connection
    def _create(self) -> list[str]:
        """Create a key, unless another process has just done so; return the readable keys."""
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
    # A lone surrogate cannot be encoded otherwise.
    text = "\0".join(parts).encode(errors="backslashreplace")
    return hmac.new(key.encode(), text, "sha256").hexdigest()
