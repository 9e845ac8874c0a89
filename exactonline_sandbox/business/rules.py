"""What the rules for one entity consist of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from exactonline_sandbox.books.tables import Row
    from exactonline_sandbox.business.editor import Editor

Lines: TypeAlias = dict[str, list[dict[str, Any]]]
"""The rows of a new document's collections, by navigation property."""


def _nothing(*_: object) -> None:
    pass


@dataclass(frozen=True)
class Rules:
    """The rules for one entity; without any, rows are just kept."""

    required: tuple[str, ...] | None = None
    """What a POST must hold; what the documentation calls mandatory where None."""
    prepare: Callable[[Editor, Row, Lines], None] = _nothing
    """Checks a new row and its lines, and fills in what is not given."""
    created: Callable[[Editor, Row], None] = _nothing
    """What follows once a row and its lines are in."""
    changing: Callable[[Editor, Row, Row], None] = _nothing
    """Checks changes to a row, and adds what follows from them."""
    changed: Callable[[Editor, Row], None] = _nothing
    """What follows once a row was changed or a line was added, changed or deleted."""
    removing: Callable[[Editor, Row], None] = _nothing
    """Refuses to delete a row, or deletes what goes with it."""
    removed: Callable[[Editor, Row], None] = _nothing
    """What follows once a row is gone."""
