"""Settings in environment variables, and what other programs may see of them."""

from __future__ import annotations

import os

import click

from exactonline_client.plugin import environment

PREFIXES = ("EXACTONLINE", "TAP_EXACTONLINE", "TARGET_EXACTONLINE")
"""Of environment variables: the shared one, and those that Meltano sets for each plugin."""
SETTINGS = (
    "connection",
    "region",
    "base_url",
    "client_id",
    "client_secret",
    "refresh_token",
    "store_url",
    "store_key",
    "user_agent",
)
COMMAND_SETTINGS = ("redirect_uri", "webhook_secret")
"""Settings that only commands read from the environment."""
SECRETS = ("client_secret", "refresh_token", "store_key", "store_url", "webhook_secret")
"""Settings withheld from other programs; store_url may hold a password."""


def variables(setting: str) -> list[str]:
    """The environment variables that may hold a setting, the first one first."""
    return [f"{prefix}_{setting.upper()}" for prefix in PREFIXES]


def from_environment(setting: str) -> str | None:
    """Read a setting from the environment; secrets come only from there, as options are visible."""
    return next((os.environ[name] for name in variables(setting) if os.environ.get(name)), None)


def given_settings(**options: str | None) -> dict[str, str]:
    """Collect settings from the options of a command, else from the environment."""
    settings = {name: options.get(name) or from_environment(name) for name in SETTINGS}
    return {name: value for name, value in settings.items() if value}


def without_secrets() -> dict[str, str]:
    """Copy the environment for a child process, without secrets."""
    return {name: value for name, value in os.environ.items() if name not in _secret_variables()}


def withdraw_secrets() -> None:
    """Remove the secrets from the environment of this process, once they have been read.

    For child processes that cannot be given another environment, such as browsers.
    """
    for name in _secret_variables():
        os.environ.pop(name, None)


def _secret_variables() -> set[str]:
    return {name for setting in SECRETS for name in variables(setting)}


def warn_of_misspelt_variables() -> None:
    """Warn of environment variables that look like misspelt settings."""
    for prefix in PREFIXES:
        for wrong, right in environment.misspelt(
            (*SETTINGS, *COMMAND_SETTINGS), f"{prefix}_"
        ).items():
            click.echo(f"Environment variable {wrong} has no effect. Is it {right}?", err=True)
