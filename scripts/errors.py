"""The tables of exit codes and of messages in `docs/errors.md`, from the errors and the code."""

from __future__ import annotations

from exactonline_client.errors import EXIT_CODES
from scripts.messages import messages
from scripts.pages import Files, filled, table


def build() -> Files:
    """The page with its tables filled in."""
    rows = [(str(code), meaning, cure) for code, (meaning, cure) in EXIT_CODES.items()]
    codes = table(("code", "meaning", "what to do"), rows)
    return filled("errors.md", exit_codes=codes, messages=messages())
