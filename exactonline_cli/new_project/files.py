"""The files of a new Meltano project."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import jinja2

from exactonline_cli.new_project.choices import LOADERS, PURPOSES, SCHEDULES
from exactonline_client.errors import ConfigurationError
from exactonline_client.plugin.settings import DISTRIBUTION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PIP_URL = f"{DISTRIBUTION}@${{SINGER_EXACTONLINE_URL}}"
COMMANDS = {
    "connect": "Connect an account on a local web page",
    "login": "Connect an account in the terminal",
    "divisions": "List the divisions that can be opened",
    "doctor": "Check the account",
    "plan": "What a run will cost: calls, minutes, days",
    "status": "Show sign-ins, calls left and last runs",
    "keepalive": "Renew the sign-ins; once a week",
    "ui": "Show a dashboard of the store on a local web page",
}
KINDS = {"number": "decimal"}
"""Kinds of Meltano that have another name than the type of JSON schema."""


def source() -> str | None:
    """Return the address that this package was installed from; None if it came from an index."""
    text = metadata.distribution(DISTRIBUTION).read_text("direct_url.json")
    return json.loads(text).get("url") if text else None


def address_of(source: str) -> str:
    """Return the address of a source that the user names: a folder, or an address as it is.

    Raises:
        ConfigurationError: there is no such folder.
    """
    parts = urlsplit(source)
    if parts.scheme not in ("", "file"):
        return source
    folder = Path(url2pathname(parts.path) if parts.scheme else source).resolve()
    if not folder.exists():
        raise ConfigurationError(
            f"--source: there is no {folder}. Give the folder of the source, or the address of a "
            "repository (git+https://...)."
        )
    return folder.as_uri()


def render(  # noqa: PLR0913 - one for each choice
    name: str,
    *,
    loader: str,
    purpose: str,
    schedule: str,
    column_names: str,
    source: str,
    connection: str | None,
    settings: Mapping[str, Mapping[str, Any]],
) -> dict[str, str]:
    """Render the files by their names.

    Args:
        name: of the project.
        loader: one of `LOADERS`.
        purpose: one of `PURPOSES`.
        schedule: one of `SCHEDULES`.
        column_names: value of that setting of the tap.
        source: address that Meltano installs the package from.
        connection: name of a connection of the store, if one is chosen.
        settings: JSON schemas of the plugins' settings, by plugin and name.
    """
    chosen = LOADERS[loader]
    shared = {"connection": connection} if connection else {}
    prefix = chosen.plugin.replace("-", "_").upper()
    values = {
        "project_id": name,
        "pip_url": PIP_URL,
        "commands": COMMANDS,
        "loader": chosen,
        "streams": PURPOSES[purpose],
        "schedule": schedule,
        "interval": SCHEDULES[schedule],
        "column_names": column_names,
        "tap_config": shared,
        "target_config": shared,
        "tap_settings": list(_settings(settings["tap"])),
        "target_settings": list(_settings(settings["target"])),
        "source": source,
        "secrets": [f"{prefix}_{secret.upper()}" for secret in chosen.secrets],
    }
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__, "templates"),
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - no HTML
    )
    names = {"meltano.yml": "meltano.yml", ".gitignore": "gitignore", ".env": "env"}
    return {
        file: environment.get_template(template).render(values) for file, template in names.items()
    }


def _settings(schemas: Mapping[str, Any]) -> Iterator[str]:
    """Yield the settings of a plugin as Meltano declares them, each in a line."""
    for name, schema in schemas.items():
        types = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
        kind = next(each for each in types if each != "null")
        secret = ", sensitive: true" if schema.get("secret") else ""
        yield f"{{name: {name}, kind: {KINDS.get(kind, kind)}{secret}}}"


def write(folder: Path, files: Mapping[str, str], folders: tuple[str, ...]) -> None:
    """Write the files and make the folders.

    Raises:
        ConfigurationError: a file cannot be written.
    """
    try:
        for each in ("", *folders):
            (folder / each).mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            path = folder / name
            if name == ".env":
                path.touch(mode=0o600)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"The project cannot be written to {folder}: {error.strerror}. Choose another folder."
        ) from None
