"""The sign-in to a sandbox on this machine: the same steps, without a person."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click
import requests

from exactonline_cli.sign_in.flow import Problem, begin, is_loopback
from exactonline_cli.variables import from_environment
from exactonline_client.errors import ConfigurationError
from exactonline_client.store import keys
from exactonline_sandbox import App

if TYPE_CHECKING:
    from exactonline_cli.sign_in.flow import SignIn

PATIENCE = 60.0
"""Seconds that a sandbox may take to start."""
_PAUSE, _TIMEOUT = 0.5, 30


def sign_in(base_url: str, store_url: str) -> str:
    """Sign in at the sandbox for its current division; return the name of the connection.

    Raises:
        ConfigurationError: no sandbox answers at this address, it has another app, or the
            settings of the store are wrong.
        StoreError: the store cannot be opened.
    """
    if not is_loopback(urlsplit(base_url).hostname or ""):
        raise ConfigurationError(
            f"--sandbox: {base_url} is not an address of this machine. Give the one that "
            "exactonline sandbox shows, such as http://127.0.0.1:8642."
        )
    if store_key := from_environment("store_key"):
        # Said before the wait.
        keys.parse(store_key)
    _wait(base_url)
    with closing(begin(store_url, base_url, None)) as steps:
        try:
            return _all_steps(steps, base_url)
        except Problem as problem:
            raise problem.as_error("--sandbox") from None
        except requests.RequestException:
            raise _not_there(base_url) from None


def _all_steps(steps: SignIn, base_url: str) -> str:
    app = App()
    steps.choose_region("nl")
    steps.choose_app(
        {
            "client_id": app.client_id,
            "client_secret": app.client_secret,
            "redirect_uri": app.redirect_uris[0],
        }
    )
    answer = requests.post(
        steps.authorise_url, {"decision": "allow"}, allow_redirects=False, timeout=_TIMEOUT
    )
    if "Location" not in answer.headers:
        raise ConfigurationError(
            f"--sandbox: {base_url} does not know the sandbox's app. Connect it with "
            f"exactonline connect --base-url {base_url}."
        )
    steps.take_address(answer.headers["Location"])
    steps.choose_divisions([int(steps.opened.me["CurrentDivision"])], everything=False)
    return steps.opened.name


def _wait(base_url: str) -> None:
    """Wait until the sandbox, which may just have been started, answers."""
    if _answers(base_url):
        return
    click.echo(f"Waiting up to {PATIENCE:.0f} seconds for the sandbox at {base_url}.", err=True)
    until = time.monotonic() + PATIENCE
    while not _answers(base_url):
        if time.monotonic() > until:
            raise _not_there(base_url)
        time.sleep(_PAUSE)


def _not_there(base_url: str) -> ConfigurationError:
    return ConfigurationError(
        f"--sandbox: no sandbox answers at {base_url}. Start it with exactonline sandbox, and give "
        "the address that it shows."
    )


def _answers(base_url: str) -> bool:
    try:
        return requests.get(f"{base_url}/sandbox/state", timeout=_TIMEOUT).ok
    except requests.RequestException:
        return False
