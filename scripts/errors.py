"""The table of exit codes in `docs/errors.md`, from the errors."""

from __future__ import annotations

from exactonline_client.errors import EXIT_CODES
from scripts.pages import Files, filled, table


def build() -> Files:
    """The page with its table filled in."""
    rows = [(str(code), meaning, cure) for code, (meaning, cure) in EXIT_CODES.items()]
    return filled("errors.md", exit_codes=table(("code", "meaning", "what to do"), rows))
