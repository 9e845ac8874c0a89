"""Named connections of the store: app and user of each, and which one the settings select.

A store can hold several: two regions, two apps, two users of one app.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from exactonline_client import regions
from exactonline_client.auth.app import CHAIN_DAYS, DAY, App
from exactonline_client.errors import ConfigurationError
from exactonline_client.store.engine import retry_on_lost_connection
from exactonline_client.store.tables import connections, runs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from exactonline_client.regions import Region
    from exactonline_client.store.store import Store

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
CONNECT = "Run exactonline connect to add one."


@dataclass(frozen=True)
class SavedConnection:
    """A connection as stored; times are seconds since the epoch."""

    name: str
    app_key: str
    region: str
    base_url: str
    client_id: str
    sealed_secret: bytes = field(repr=False)
    redirect_uri: str | None
    user_id: str | None
    user_name: str | None
    divisions: tuple[int, ...] | None
    """Divisions chosen at sign-in; None for all, or if none were chosen."""
    received_at: float | None
    """Time the present tokens were received; None before the first refresh."""
    ended: str | None
    """The error with which a run found the sign-in ended; None while it is valid."""

    def app(self, secret: str) -> App:
        """Return the app registration of this connection."""
        return App(regions.resolve(self.region, self.base_url), self.client_id, secret)

    def days_left(self, now: float) -> float | None:
        """Return the days until an unused sign-in expires; None if unknown."""
        if self.ended:
            return 0.0
        if self.received_at is None:
            return None
        return CHAIN_DAYS - (now - self.received_at) / DAY


@retry_on_lost_connection
def load(store: Store) -> list[SavedConnection]:
    """Load all connections of a store, sorted by name."""
    with store.transaction() as transaction:
        rows = transaction.execute(sa.select(connections).order_by(connections.c.name)).all()
    return [
        SavedConnection(
            name=row.name,
            app_key=row.app,
            region=row.region,
            base_url=row.base_url,
            client_id=row.client_id,
            sealed_secret=row.client_secret,
            redirect_uri=row.redirect_uri,
            user_id=row.user_id,
            user_name=row.user_name,
            divisions=tuple(row.divisions) if row.divisions else None,
            received_at=row.received_at or None,
            ended=row.ended,
        )
        for row in rows
    ]


def remember_user(store: Store, name: str, me: Mapping[str, Any]) -> None:
    """Store the signed-in user, from the row of `Me`."""
    _update(store, name, user_id=me.get("UserID"), user_name=me.get("FullName"))


def choose_divisions(store: Store, name: str, codes: Sequence[int] | None) -> None:
    """Store the divisions chosen at sign-in; None for all."""
    _update(store, name, divisions=list(codes) if codes else None)


def check_name(name: str) -> None:
    """Check that a connection can have this name.

    Raises:
        ConfigurationError: it cannot.
    """
    if not NAME.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} cannot be the name of a connection. Use up to 64 letters, digits, dots, "
            "dashes and underscores."
        )


def rename(store: Store, old: str, new: str) -> None:
    """Rename a connection; its runs move along, and what is kept by app stays as it is.

    Waits until no process refreshes the tokens of either name.

    Raises:
        ConfigurationError: the name is taken or cannot be one, or there is no such connection.
    """
    check_name(new)
    if old == new:
        return
    first, second = sorted((old, new))
    with store.lock(f"token-{first}"), store.lock(f"token-{second}"):
        _rename(store, old, new)


@retry_on_lost_connection
def _rename(store: Store, old: str, new: str) -> None:
    with store.transaction() as transaction:
        names = set(transaction.execute(sa.select(connections.c.name)).scalars())
        if old not in names:
            raise _unknown(old, names)
        if new in names:
            raise ConfigurationError(
                f"The connection {new!r} exists already. Choose another name, or revoke that one."
            )
        named = connections.update().where(connections.c.name == old).values(name=new)
        transaction.execute(named)
        transaction.execute(runs.update().where(runs.c.connection == old).values(connection=new))


def forget(store: Store, name: str) -> None:
    """Delete a connection with its tokens and runs; journal and limits belong to the app and stay.

    Raises:
        ConfigurationError: there is no such connection.
    """
    with store.lock(f"token-{name}"):
        _forget(store, name)


@retry_on_lost_connection
def _forget(store: Store, name: str) -> None:
    with store.transaction() as transaction:
        names = set(transaction.execute(sa.select(connections.c.name)).scalars())
        if name not in names:
            raise _unknown(name, names)
        transaction.execute(connections.delete().where(connections.c.name == name))
        transaction.execute(runs.delete().where(runs.c.connection == name))


def _unknown(name: str, names: Iterable[str]) -> ConfigurationError:
    known = ", ".join(sorted(names)) or "none"
    return ConfigurationError(f"There is no connection {name!r} (stored: {known}).")


@retry_on_lost_connection
def _update(store: Store, name: str, **values: object) -> None:
    with store.transaction() as transaction:
        mine = connections.c.name == name
        transaction.execute(connections.update().where(mine).values(**values))


def identify(settings: Mapping[str, Any], store: Store) -> tuple[str, App]:
    """Select the connection for the settings; return its name and its app.

    Settings of the app must match the stored connection. Missing ones are taken from it.

    Raises:
        ConfigurationError: no connection or several match, the name belongs to another app, or
            a setting is missing for a new one.
    """
    name = settings.get("connection")
    if name and not NAME.fullmatch(name):
        raise ConfigurationError(
            f"Setting connection: {name!r} is not a valid name for a connection. Use up to 64 "
            "letters, digits, dots, dashes and underscores."
        )
    region = regions.resolve(settings.get("region") or "nl", settings.get("base_url"))
    saved = load(store)
    connection = _by_name(name, saved, settings) if name else _by_settings(saved, settings)
    if connection is None:
        app = _new_app(region, settings, saved)
        name = name or app.connection_name
        _refuse_other_app(name, app, saved)
        return name, app
    secret = settings.get("client_secret") or store.decrypt(connection.sealed_secret) or ""
    return connection.name, connection.app(secret)


def _by_name(
    name: str, saved: list[SavedConnection], settings: Mapping[str, Any]
) -> SavedConnection | None:
    for connection in saved:
        if connection.name != name:
            continue
        for setting in ("region", "base_url", "client_id"):
            if not _matches(connection, settings, setting):
                raise ConfigurationError(
                    f"Setting connection: {name} belongs to another app; its {setting} is "
                    f"{getattr(connection, setting)}. Choose another name, or leave {setting} out."
                )
        return connection
    return None


def _by_settings(
    saved: list[SavedConnection], settings: Mapping[str, Any]
) -> SavedConnection | None:
    matching = [
        connection
        for connection in saved
        if all(_matches(connection, settings, name) for name in ("region", "base_url", "client_id"))
    ]
    if len(matching) > 1 and settings.get("client_id"):
        unnamed = [one for one in matching if one.app("").connection_name == one.name]
        matching = unnamed if len(unnamed) == 1 else matching
    if len(matching) > 1:
        names = ", ".join(connection.name for connection in matching)
        raise ConfigurationError(
            f"Several connections fit the settings: {names}. Set connection to one of them."
        )
    return matching[0] if matching else None


def _matches(connection: SavedConnection, settings: Mapping[str, Any], setting: str) -> bool:
    wanted = settings.get(setting)
    if not wanted:
        return True
    if setting == "base_url":
        wanted = str(wanted).rstrip("/")
    return bool(getattr(connection, setting) == wanted)


def _new_app(region: Region, settings: Mapping[str, Any], saved: list[SavedConnection]) -> App:
    for setting in ("client_id", "client_secret"):
        if not settings.get(setting):
            known = ", ".join(connection.name for connection in saved)
            raise ConfigurationError(
                f"Setting {setting} is missing, and no stored connection fits the settings "
                f"(stored: {known or 'none'}). {CONNECT}"
            )
    return App(region, settings["client_id"], settings["client_secret"])


def _refuse_other_app(name: str, app: App, saved: list[SavedConnection]) -> None:
    if any(connection.name == name and connection.app_key != app.key for connection in saved):
        raise ConfigurationError(
            f"The connection {name} belongs to another app. Give this one another name in the "
            "setting connection."
        )
