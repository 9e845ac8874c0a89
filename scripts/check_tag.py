"""See that a tag is the version of the project, and that the changelog speaks of it.

Usage: python scripts/check_tag.py v0.1.0
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def complaint(tag: str, project: str, changelog: str) -> str | None:
    """What is wrong with a tag, if anything is; the texts are those of the two files."""
    found = re.search(r'^version = "([^"]+)"$', project, re.MULTILINE)
    version = found[1] if found else "none"
    if tag != f"v{version}":
        return f"The tag is {tag}, but the version in pyproject.toml is {version}."
    if not re.search(rf"^## \[?{re.escape(version)}\b", changelog, re.MULTILINE):
        return f"CHANGELOG.md has no heading for {version}."
    return None


def main() -> None:
    """Say what is wrong with the tag, and end with 1; or say nothing."""
    if len(sys.argv) != 2:  # noqa: PLR2004 - the program and one tag
        sys.exit("Usage: python scripts/check_tag.py TAG")
    files = (ROOT / name for name in ("pyproject.toml", "CHANGELOG.md"))
    problem = complaint(sys.argv[1], *(file.read_text(encoding="utf-8") for file in files))
    if problem:
        sys.exit(problem)


if __name__ == "__main__":
    main()
