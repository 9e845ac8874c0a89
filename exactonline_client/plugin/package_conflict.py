"""Detect the unrelated package `tap-exactonline` in the same environment."""

from __future__ import annotations

from importlib import metadata

from exactonline_client.errors import ConfigurationError
from exactonline_client.plugin.settings import DISTRIBUTION

FOREIGN = "tap-exactonline"
"""An unrelated distribution with the same command and import package."""


def refuse() -> None:
    """Refuse to run if the unrelated `tap-exactonline` is installed as well.

    Both install a package `tap_exactonline`, so their files overwrite each other, and secrets could
    reach the other project's code.

    Raises:
        ConfigurationError: it is installed.
    """
    try:
        version = metadata.version(FOREIGN)
    except metadata.PackageNotFoundError:
        return
    raise ConfigurationError(
        f"The package {FOREIGN} {version} is installed in this environment. It is another "
        f"project, and its files have overwritten some of {DISTRIBUTION}. Remove both and install "
        f"this one again: pip uninstall {FOREIGN} {DISTRIBUTION}; pip install {DISTRIBUTION}. "
        f"In Meltano, set pip_url to {DISTRIBUTION} and run meltano install --clean."
    )
