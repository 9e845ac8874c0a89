"""Run `dbt build`, in the environment of dbt: `build.py PROJECT FOLDER VARS TARGET`."""

from __future__ import annotations

import sys
from pathlib import Path

from dbt.cli.main import dbtRunner


def main() -> None:
    """Build the target, with what dbt writes in a folder of its name."""
    project, folder, variables, target = sys.argv[1:]
    dbtRunner().invoke(
        [
            *("--no-use-colors", "--quiet", "--log-level-file", "none", "build"),
            *("--project-dir", project, "--profiles-dir", project, "--target", target),
            *("--target-path", str(Path(folder) / target), "--vars", variables, "--threads", "2"),
        ]
    )


if __name__ == "__main__":
    main()
