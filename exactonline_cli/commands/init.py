"""`exactonline init`: make a Meltano project that reads and writes Exact Online."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from exactonline_cli.new_project import files
from exactonline_cli.new_project.choices import LOADERS, PURPOSES, SCHEDULES
from exactonline_cli.output import json_option, print_json
from exactonline_client.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

COLUMN_NAMES = ("exact", "snake")
DEFAULTS = {"loader": "postgres", "purpose": "receivables", "schedule": "daily"}
QUESTIONS = {
    "loader": "Where should the rows go",
    "purpose": "What are they for",
    "schedule": "How often should they be read",
}
CHOICES: dict[str, Mapping[str, Any]] = {
    "loader": LOADERS,
    "purpose": PURPOSES,
    "schedule": SCHEDULES,
}


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path())
@click.option("--loader", type=click.Choice(list(LOADERS)), help="Where the rows go.")
@click.option("--purpose", type=click.Choice(list(PURPOSES)), help="What is read.")
@click.option("--schedule", type=click.Choice(list(SCHEDULES)), help="How often it is read.")
@click.option(
    "--column-names",
    type=click.Choice(COLUMN_NAMES),
    default="exact",
    show_default=True,
    help="How columns are named: as at Exact, or in snake case.",
)
@click.option("--connection", metavar="NAME", help="Connection of the store to use.")
@click.option(
    "--source",
    metavar="URL",
    help="Where Meltano installs this package from. Default: where this one came from.",
)
@click.option(
    "--sandbox",
    metavar="URL",
    help="Address of a sandbox on this machine: sign in there at once, to try the project.",
)
@click.option("--no-input", is_flag=True, help="Ask nothing; what is not given gets its default.")
@click.option("--overwrite", is_flag=True, help="Replace files that are there already.")
@json_option
def init(  # noqa: PLR0913, PLR0917 - one for each option
    folder: Path,
    loader: str | None,
    purpose: str | None,
    schedule: str | None,
    column_names: str,
    connection: str | None,
    source: str | None,
    sandbox: str | None,
    *,
    no_input: bool,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Make a Meltano project in FOLDER, with the tap, the target, a loader and a schedule.

    Asks for what no option gives. Existing files are never replaced without asking.
    """
    if connection and sandbox:
        raise ConfigurationError(
            "--sandbox makes a connection of its own. Leave out --connection, or --sandbox."
        )
    asks = not no_input and sys.stdin.isatty()
    given = {"loader": loader, "purpose": purpose, "schedule": schedule}
    chosen = {name: value or _answer(name, asks=asks) for name, value in given.items()}
    address = files.address_of(source) if source else files.source()
    if address is None:
        raise ConfigurationError(
            "It is not known where this package was installed from. Give --source: the address of "
            "a folder (file:///home/me/singer-exactonline) or a repository (git+https://...)."
        )
    rendered = files.render(
        folder.resolve().name,
        **chosen,
        column_names=column_names,
        source=address,
        connection=connection,
        settings=_settings(),
    )
    _check_existing(folder, list(rendered), asks=asks, overwrite=overwrite)
    # What fails here leaves no files that would stop the next attempt.
    if sandbox:
        connection = _sign_in(sandbox.rstrip("/"), folder)
        signed_in = (
            f"Signed in to the sandbox at {sandbox} as connection {connection}. An earlier sign-in "
            "there, such as of another project, has ended with that."
        )
        click.echo(signed_in, err=as_json)
    files.write(folder, rendered, LOADERS[chosen["loader"]].folders)
    click.echo(f"Written to {folder.resolve()}: {', '.join(rendered)}.", err=as_json)
    if as_json:
        files_made = list(rendered)
        print_json({"folder": str(folder.resolve()), "files": files_made, "connection": connection})
        return
    _explain(folder, LOADERS[chosen["loader"]].plugin, is_signed_in=bool(sandbox))


def _answer(name: str, *, asks: bool) -> str:
    if not asks:
        return DEFAULTS[name]
    answer: str = click.prompt(
        QUESTIONS[name], type=click.Choice(list(CHOICES[name])), default=DEFAULTS[name]
    )
    return answer


def _settings() -> dict[str, dict[str, Any]]:
    from tap_exactonline.settings import CONFIG as TAP  # noqa: PLC0415 - take long to import
    from target_exactonline.settings import SCHEMA as TARGET  # noqa: PLC0415

    return {"tap": TAP["properties"], "target": TARGET["properties"]}


def _check_existing(folder: Path, names: list[str], *, asks: bool, overwrite: bool) -> None:
    """Ask before files are replaced.

    Raises:
        ConfigurationError: there are some, and there is nobody to ask.
        Abort: the user refuses.
    """
    existing = [name for name in names if (folder / name).exists()]
    if not existing or overwrite:
        return
    if not asks:
        raise ConfigurationError(
            f"{folder.resolve()} has {', '.join(existing)} already. Give --overwrite to replace "
            "them, or name another folder."
        )
    click.confirm(f"Replace {', '.join(existing)} in {folder.resolve()}?", abort=True)


def _sign_in(sandbox: str, folder: Path) -> str:
    from exactonline_cli.sign_in.sandbox import sign_in  # noqa: PLC0415 - takes long to import

    return sign_in(sandbox, f"sqlite:///{folder.resolve() / '.exactonline' / 'store.db'}")


def _explain(folder: Path, loader: str, *, is_signed_in: bool) -> None:
    connect = [
        "meltano install",
        "meltano invoke tap-exactonline:connect",
        f"meltano config set {loader} --interactive",
    ]
    click.echo("Next:")
    for step in (
        *([] if folder == Path() else [f"cd {folder}"]),
        *([] if is_signed_in else connect),
        "meltano run read-exact",
    ):
        click.echo(f"  {step}")
