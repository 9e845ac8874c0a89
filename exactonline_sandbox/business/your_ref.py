"""How `YourRef` is stored: as given, shortened, or normalised, by switch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exactonline_sandbox.errors import invalid

if TYPE_CHECKING:
    from collections.abc import Callable

    from exactonline_sandbox.books.tables import Row
    from exactonline_sandbox.config import Switches

REFERENCE = "YourRef"
_STORED_FORMS: dict[str, Callable[[str], str | None]] = {
    "whole": lambda text: text,
    "upper": lambda text: text.upper(),
    "single": lambda text: " ".join(text.split()),
    "not": lambda _text: None,
}


def store_reference(values: Row, switches: Switches) -> None:
    """Replace the reference in the values of a body with its stored form.

    Raises:
        ApiError: 500 if it is too long and the switch refuses such references.
    """
    text = values.get(REFERENCE)
    if not isinstance(text, str):
        return
    longest = switches.longest_reference
    if longest and len(text) > longest:
        if switches.long_reference == "refused":
            raise invalid(f"Value too long: {REFERENCE}")
        text = text[:longest]
    kept = _STORED_FORMS[switches.kept_reference](text)
    if kept is None:
        del values[REFERENCE]
    else:
        values[REFERENCE] = kept
