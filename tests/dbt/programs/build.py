"""Run `dbt build` for several targets: `build.py PROJECT FOLDER VARS TARGET ...`.

Runs in the environment of dbt, in one process, as most of its time goes into starting.
"""

from __future__ import annotations

import sys
from pathlib import Path

from dbt.cli.main import dbtRunner


def main() -> None:
    """Build each target, with what dbt writes in a folder of its name."""
    project, folder, variables, *targets = sys.argv[1:]
    for target in targets:
        place = Path(folder) / target
        dbtRunner().invoke(
            [
                *("--no-use-colors", "--quiet", "--log-level-file", "none", "build"),
                *("--project-dir", project, "--profiles-dir", project, "--target", target),
                *("--target-path", str(place), "--vars", variables, "--threads", "2"),
            ]
        )


if __name__ == "__main__":
    main()
