"""Key rotation: re-encrypt all secrets of a store with its first key."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

import sqlalchemy as sa

from exactonline_client.errors import StoreError
from exactonline_client.store.tables import metadata

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exactonline_client.store.store import Store

ROWS_AT_ONCE = 100
"""Rows in a transaction, for which other processes wait."""


@dataclass
class Rotation:
    """Result of a rotation."""

    rotated: int = 0
    unreadable: list[str] = field(default_factory=list)
    """Rows encrypted with an unknown key, left unchanged."""


def rotate(store: Store) -> Rotation:
    """Re-encrypt every secret of a store with its first key; idempotent."""
    done = Rotation()
    for table in metadata.sorted_tables:
        columns = [column for column in table.columns if isinstance(column.type, sa.LargeBinary)]
        if columns:
            _rotate_table(store, table, columns, done)
    return done


def _rotate_table(
    store: Store, table: sa.Table, columns: Sequence[sa.Column[bytes]], done: Rotation
) -> None:
    filled = sa.or_(*(column.is_not(None) for column in columns))
    left = iter(store.read(sa.select(*table.primary_key.columns).where(filled)))
    while batch := list(islice(left, ROWS_AT_ONCE)):
        with store.transaction() as connection:
            for key in batch:
                _rotate_row(store, connection, table, columns, key, done)


def _rotate_row(  # noqa: PLR0913, PLR0917
    store: Store,
    connection: sa.Connection,
    table: sa.Table,
    columns: Sequence[sa.Column[bytes]],
    key: sa.Row[tuple[object, ...]],
    done: Rotation,
) -> None:
    pairs = list(zip(table.primary_key.columns, key, strict=True))
    mine = sa.and_(*(column == value for column, value in pairs))
    row = connection.execute(sa.select(*columns).where(mine).with_for_update()).one_or_none()
    if row is None:
        return
    kept = {name: sealed for name, sealed in row._mapping.items() if sealed is not None}  # noqa: SLF001
    try:
        renewed = {name: store.reencrypt(sealed) for name, sealed in kept.items()}
    except StoreError:
        key_text = ", ".join(f"{column.name} {value}" for column, value in pairs)
        done.unreadable.append(f"{table.name}: {key_text}")
        return
    connection.execute(table.update().where(mine).values(**renewed))
    done.rotated += 1
