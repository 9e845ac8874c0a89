"""The hooks of a business rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from exactonline_sandbox.books.tables import Row
    from exactonline_sandbox.business.editor import Editor

Lines: TypeAlias = dict[str, list[dict[str, Any]]]
"""Lines of a new document, by navigation property."""


def _nothing(*_: object) -> None:
    pass


@dataclass(frozen=True)
class Rules:
    """Business rules of one entity; by default rows are stored as given."""

    required: tuple[str, ...] | None = None
    """Properties that a POST needs; None for those that the documentation calls mandatory."""
    prepare: Callable[[Editor, Row, Lines], None] = _nothing
    """Before an insert: validate the row and its lines, and set defaults."""
    created: Callable[[Editor, Row], None] = _nothing
    """After an insert of a row and its lines."""
    changing: Callable[[Editor, Row, Row], None] = _nothing
    """Before an update: validate the changes, and add dependent ones."""
    changed: Callable[[Editor, Row], None] = _nothing
    """After an update of a row, or of its lines."""
    removing: Callable[[Editor, Row], None] = _nothing
    """Before a delete: refuse it, or delete dependent rows."""
    removed: Callable[[Editor, Row], None] = _nothing
    """After a delete."""
