"""Shared by the commands: options, settings of the plugins, the store and its connections."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from exactonline_cli.variables import from_environment, given_settings, variables
from exactonline_client import connections
from exactonline_client.errors import ConfigurationError
from exactonline_client.printable import counted
from exactonline_client.store import engine
from exactonline_client.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from singer_sdk.plugin_base import PluginBase

    from exactonline_client.connections import SavedConnection

ADDRESSES = ("store_url", "database")
"""Options that are secret only with a password in them."""
UNASKED_CALLS = 10
"""Maximum of calls that a command makes without confirmation."""


def warn_of_visible_secret(
    context: click.Context, option: click.Parameter, value: str | None
) -> str | None:
    """Warn of a secret among the arguments, which every user of the machine can read."""
    is_argument = context.get_parameter_source(str(option.name)) is ParameterSource.COMMANDLINE
    is_secret = option.name not in ADDRESSES or engine.has_password(value or "")
    if value and is_argument and is_secret:
        click.echo(
            f"Warning: others on this machine can read the secret in {option.opts[0]} in the list "
            f"of processes. Set {option.envvar[0] if option.envvar else 'a variable'} instead.",
            err=True,
        )
    return value


def option(
    setting: str,
    *names: str,
    **details: Any,  # noqa: ANN401 - as click has them
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Define an option for a setting, which may come from the environment as well."""
    shown = names or (f"--{setting.replace('_', '-')}",)
    return click.option(*shown, setting, envvar=variables(setting), **details)


store_option = option(
    "store_url",
    callback=warn_of_visible_secret,
    metavar="URL",
    help="The store. Default: .exactonline/ of the Meltano project, or your data folder.",
)
connection_option = option("connection", metavar="NAME", help="Only this connection.")
division_option = click.option("--division", type=int, metavar="NUMBER", help="Only this division.")
stream_option = click.option("--stream", metavar="NAME", help="Only this stream.")
reference_option = click.option("--reference", metavar="TEXT", help="Only this reference.")
config_option = click.option(
    "--config",
    "files",
    multiple=True,
    metavar="FILE",
    help="Settings as JSON; may be given several times. Those in environment variables hold over "
    "them.",
)
yes_option = click.option("--yes", "-y", is_flag=True, help="Spend many calls without asking.")


def may_spend(calls: int, what: str, saving: str, *, yes: bool) -> bool:
    """Ask for confirmation of many calls; return whether to make them.

    Args:
        calls: their number.
        what: their purpose, the start of a sentence.
        saving: the option that avoids them.
        yes: confirmed by an option.

    Raises:
        ConfigurationError: there is no terminal to ask in.
    """
    if yes or calls <= UNASKED_CALLS:
        return True
    if not sys.stdin.isatty():
        raise ConfigurationError(
            f"{what} takes {counted(calls, 'call')}. Give --yes to make them, or {saving} "
            "to do without."
        )
    # Meltano forwards standard error by whole lines, and a question does not end its line.
    return click.confirm(
        f"{what} takes {counted(calls, 'call')}. Continue?", err=not sys.stdout.isatty()
    )


def plugin_settings(
    plugin: type[PluginBase], config: Mapping[str, Any], **options: object
) -> dict[str, Any]:
    """Merge the settings of a plugin: options override the environment, which overrides `config`.

    Raises:
        ConfigurationError: a setting is wrong, or has no effect on the plugin.
    """
    from exactonline_client.plugin import configuration  # noqa: PLC0415 - takes long to import

    own = {name: value for name, value in options.items() if value is not None}
    given = configuration.GivenSettings({**given_settings(), **config}, parse_env=True, options=own)
    return configuration.settings(plugin, given)


def open_store(store_url: str | None) -> Store:
    """Open the store; the caller closes it."""
    return Store(store_url, from_environment("store_key"))


def saved_connections(store: Store, name: str | None) -> list[SavedConnection]:
    """List the connections of a store, or the one of this name.

    Raises:
        ConfigurationError: there is none.
    """
    saved = connections.load(store)
    matching = [one for one in saved if name in (None, one.name)]
    if not matching:
        known = ", ".join(one.name for one in saved) or "none"
        raise ConfigurationError(
            f"The store {store.name} has no connection {name or 'yet'} (stored: {known}). "
            f"{connections.CONNECT}"
        )
    return matching
