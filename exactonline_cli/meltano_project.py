"""Settings and selection of a Meltano project, read and written by Meltano."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import click
from typing_extensions import override

from exactonline_cli.variables import without_secrets
from exactonline_client.errors import ConfigurationError
from exactonline_client.store.engine import has_password
from exactonline_client.store.store import project_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

TIMEOUT = 120
PLUGINS = ("tap-exactonline", "target-exactonline")


@dataclass(frozen=True)
class Setting:
    """One setting of one plugin, as text."""

    plugin: str
    name: str
    value: str

    @property
    def arguments(self) -> list[str]:
        """The command that sets it."""
        return ["meltano", "config", "set", self.plugin, self.name, self.value]

    @override
    def __str__(self) -> str:
        """The command for a shell."""
        return shlex.join(self.arguments)


def settings(
    connection: str, divisions: Sequence[int], *, everything: bool, store_url: str | None
) -> list[Setting]:
    """List the settings of both plugins for a connection; none is secret."""
    shared = [("connection", connection)]
    if store_url and not has_password(store_url):
        shared.append(("store_url", store_url))
    tap = [("all_divisions", "true")] if everything else [("divisions", str(list(divisions)))]
    target = [("division", str(divisions[0]))] if len(divisions) == 1 else []
    return [
        Setting(plugin, name, value)
        for plugin, own in zip(PLUGINS, (tap, target), strict=True)
        for name, value in (*shared, *own)
    ]


def find() -> Path | None:
    """Find the Meltano project to write to; None without a project or without Meltano."""
    return project_folder() if shutil.which("meltano") else None


def write(folder: Path, wanted: Sequence[Setting]) -> list[Setting]:
    """Write the settings of the plugins that a project has; return what was set.

    Raises:
        ConfigurationError: Meltano failed, with its message, or the project has no such plugin.
    """
    text = (folder / "meltano.yml").read_text(encoding="utf-8")
    plugins = {
        name
        for name in PLUGINS
        if re.search(rf"name:\s*['\"]?{name}['\"]?\s*$", text, re.MULTILINE)
    }
    fitting = [setting for setting in wanted if setting.plugin in plugins]
    if not fitting:
        raise ConfigurationError(
            f"The project {folder} has neither {' nor '.join(PLUGINS)}. Add them first."
        )
    for setting in fitting:
        _run(folder, setting.arguments)
    return fitting


def is_selected(patterns: Iterable[str], stream: str) -> bool:
    """Whether patterns of `select` choose a stream; an exclusion overrides the others."""

    def hits(pattern: str) -> bool:
        return fnmatchcase(stream, pattern.lstrip("!").partition(".")[0])

    matching = [pattern for pattern in patterns if hits(pattern)]
    left_out = [pattern for pattern in matching if pattern.startswith("!")]
    # Where single columns are left out, the others stay.
    is_out = any(pattern.partition(".")[2] in ("", "*") for pattern in left_out)
    return len(matching) > len(left_out) and not is_out


def is_installed(folder: Path, plugin: str) -> bool:
    """Whether Meltano has made an environment for a plugin."""
    return any(folder.glob(f".meltano/*/{plugin}/venv"))


def dump(folder: Path, plugin: str, what: str) -> dict[str, Any]:
    """Dump the `config` or `catalog` that Meltano would run a plugin with; pass on its warnings.

    Raises:
        ConfigurationError: Meltano cannot be run, or refuses, in its own words.
    """
    quiet = ["--log-level=warning", "--log-format=plain"]
    arguments = ["meltano", *quiet, "invoke", "--no-install", f"--dump={what}", plugin]
    done = _run(folder, arguments)
    if done.stderr.strip():
        click.echo(done.stderr.strip(), err=True)
    try:
        content: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise ConfigurationError(f"{shlex.join(arguments)} printed no JSON.") from None
    return content


def _run(folder: Path, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command; its values are arguments
            arguments,
            cwd=folder,
            env=without_secrets(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        missing = isinstance(error, FileNotFoundError)
        why = "there is no command meltano" if missing else type(error).__name__
        raise ConfigurationError(f"Meltano cannot be run: {why}.") from None
    if done.returncode:
        words = (done.stderr or done.stdout).strip().splitlines()
        why = words[-1] if words else "no reason given"
        raise ConfigurationError(f"{shlex.join(arguments)} failed: {why}")
    return done
