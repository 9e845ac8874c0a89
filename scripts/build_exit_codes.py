"""Write the table of exit codes in `docs/errors.md`, from the errors themselves.

Usage: python -m scripts.build_exit_codes [--check]

With `--check` nothing is written: the exit code is 1 where the page lags behind the errors.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from exactonline_client.errors import EXIT_CODES

FILE = Path(__file__).parent.parent / "docs" / "errors.md"
BEGIN, END = "<!-- exit codes: made by make docs-tables -->\n", "<!-- end of exit codes -->\n"


def table() -> str:
    """All codes, with what they mean and what to do."""
    rows = [f"| {code} | {meaning} | {cure} |" for code, (meaning, cure) in EXIT_CODES.items()]
    return "\n".join(["| code | meaning | what to do |", "|---|---|---|", *rows, ""])


def page(before: str) -> str:
    """The page with the table as it should be."""
    head, _, rest = before.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{table()}\n{END}{tail}"


def main() -> None:
    """Bring the page up to date, or say that it is not."""
    parser = argparse.ArgumentParser(description="Write the exit codes into docs/errors.md.")
    parser.add_argument("--check", action="store_true", help="write nothing, only compare")
    before = FILE.read_text(encoding="utf-8")
    after = page(before)
    if not parser.parse_args().check:
        FILE.write_text(after, encoding="utf-8")
    elif before != after:
        sys.exit(f"docs/{FILE.name} is not what the errors say: run make docs-tables.")


if __name__ == "__main__":
    main()
