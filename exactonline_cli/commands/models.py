"""`exactonline models`: the dbt project, copied out of the distribution."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from exactonline_cli.output import json_option, print_json
from exactonline_client.errors import ConfigurationError

SHIPPED = Path(__file__).parents[1] / "dbt_project"
"""Where a wheel has the project."""
SOURCE = Path(__file__).parents[2] / "dbt"
"""Where it is beside the packages in the source."""
MADE_BY_DBT = ("target", "logs", "dbt_packages", ".user.yml", "__pycache__")


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@json_option
def models(path: Path, *, as_json: bool) -> None:
    """Copy the dbt project, which builds the books from the tap's tables, to PATH.

    The folder is made, and must be empty if it is there. Build the models in it with dbt build
    --project-dir PATH --profiles-dir PATH.
    """
    source = SHIPPED if SHIPPED.is_dir() else SOURCE
    if not (source / "dbt_project.yml").is_file():
        raise ConfigurationError(
            "This installation has no dbt project. Install singer-exactonline again from its wheel."
        )
    if path.is_file() or (path.is_dir() and any(path.iterdir())):
        raise ConfigurationError(
            f"{path} is not empty. Name a new folder, so that no change of yours is overwritten."
        )
    try:
        shutil.copytree(
            source, path, ignore=shutil.ignore_patterns(*MADE_BY_DBT), dirs_exist_ok=True
        )
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error}.") from None
    if as_json:
        print_json({"path": str(path)})
        return
    click.echo(f"The dbt project is in {path}. Build it with:")
    click.echo(f"  dbt build --project-dir {path} --profiles-dir {path}")
