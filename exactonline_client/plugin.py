"""How both Singer plugins end: one line for the user and an exit code, never a traceback."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from singer_sdk.exceptions import ConfigValidationError

from exactonline_client.errors import ConfigurationError, ExactOnlineError
from exactonline_client.settings import SHARED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk.plugin_base import PluginBase


@contextmanager
def readable_configuration_errors() -> Iterator[None]:
    """Turn the SDK's list of wrong settings into our error, which has an exit code."""
    try:
        yield
    except ConfigValidationError as error:
        problems = "; ".join(_without_secret(problem) for problem in error.errors)
        raise ConfigurationError(f"The configuration is not valid: {problems}.") from None


def _without_secret(problem: str) -> str:
    """The SDK's sentence about a setting, which quotes its value, unless that is a secret."""
    for name, setting in SHARED.items():
        if setting.get("secret") and problem.endswith(f" in config[{name!r}]"):
            return f"the value of {name} is not of the kind it should be"
    return problem


def run(plugin: type[PluginBase]) -> None:
    """Run a plugin as a console script."""
    try:
        with readable_configuration_errors():
            plugin.cli()
    except ExactOnlineError as error:
        plugin.logger.error("%s", error)  # noqa: TRY400 - one line, no traceback
        sys.exit(error.exit_code)
