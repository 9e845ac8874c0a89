"""The package of others that has our tap's name, where it lies in the same environment."""

from __future__ import annotations

from importlib import metadata

from exactonline_client.errors import ConfigurationError
from exactonline_client.plugin.settings import DISTRIBUTION

FOREIGN = "tap-exactonline"
"""A distribution of others, with our tap's command and import package."""


def refuse() -> None:
    """Stop where the other project's `tap-exactonline` is installed beside ours.

    Both bring a folder `tap_exactonline`, so the files of one lie on those of the other, and
    nobody can tell which code would be handed the secrets.

    Raises:
        ConfigurationError: it is.
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
