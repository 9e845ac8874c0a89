"""Write the files that are made from the code: `python -m scripts [--check] [NAME ...]`.

Without a name, all are written but the catalogue, which is made from `--entities`. With `--check`
nothing is written: the exit code is 1 where a file is not what the code says.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from scripts import (
    catalogue,
    commands,
    dbt,
    dictionary,
    drawing,
    errors,
    hub,
    lineage,
    meltano,
    models,
    modules,
    settings,
    sinks,
    streams,
    unified,
)
from scripts.pages import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from scripts.pages import Files

BUILDERS: dict[str, Callable[[], Files]] = {
    "meltano": meltano.build,
    "hub": hub.build,
    "streams": streams.build,
    "dictionary": dictionary.build,
    "commands": commands.build,
    "sinks": sinks.build,
    "settings": settings.build,
    "errors": errors.build,
    "modules": modules.build,
    "drawing": drawing.build,
    "models": models.build,
    "lineage": lineage.build,
    "dbt": dbt.build,
    "unified": unified.build,
}
CATALOGUE = "catalogue"
TARGETS = {
    "meltano": "meltano",
    "hub": "hub",
    "dbt": "dbt",
    "unified": "dbt",
    CATALOGUE: "catalogue ENTITIES=...",
}
"""Make targets; those of all other builders are `docs-tables`."""


def main() -> None:
    """Write the files that are named, or compare them."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join((*BUILDERS, CATALOGUE)))
    parser.add_argument("--check", action="store_true", help="write nothing, only compare")
    parser.add_argument("--entities", type=Path, help="the endpoint facts, for the catalogue")
    given = parser.parse_args()
    builders = dict(BUILDERS)
    if given.entities:
        builders[CATALOGUE] = partial(catalogue.build, given.entities)
    elif CATALOGUE in given.names:
        parser.error("the catalogue is made from a file: name it with --entities")
    if unknown := {*given.names} - {*builders}:
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    do = compare if given.check else write
    behind = [
        f"{found}: run make {TARGETS.get(name, 'docs-tables')}"
        for name in given.names or BUILDERS
        for found in do(builders[name]())
    ]
    sys.exit("\n".join(behind) or None)


def write(files: Files) -> list[str]:
    """Bring files up to date; none is left behind."""
    for file, text in files.items():
        file.write_text(text, encoding="utf-8")
        print(f"{file.relative_to(ROOT)} is up to date")
    return []


def compare(files: Files) -> list[str]:
    """Which files are not what the code says."""
    return [
        f"{file.relative_to(ROOT)} is not what the code says"
        for file, text in files.items()
        if not file.exists() or file.read_text(encoding="utf-8") != text
    ]


if __name__ == "__main__":
    main()
