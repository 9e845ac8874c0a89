"""Write the table of exit codes in `docs/errors.md`, from the errors themselves.

Usage: python -m scripts.build_exit_codes [--check]

With `--check` nothing is written: the exit code is 1 where the page lags behind the errors.
"""

from __future__ import annotations

from exactonline_client.errors import EXIT_CODES
from scripts.pages import filled, keep_up, table


def page(before: str) -> str:
    """The page with its table as it should be."""
    rows = [(str(code), meaning, cure) for code, (meaning, cure) in EXIT_CODES.items()]
    return filled(before, exit_codes=table(("code", "meaning", "what to do"), rows))


if __name__ == "__main__":
    keep_up("errors.md", page, "errors")
