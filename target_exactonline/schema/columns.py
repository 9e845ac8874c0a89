"""What the columns of a stream are: renamed, ignored, or one value for all records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from target_exactonline.schema.names import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

CONSTANT = "constant"
"""In the setting `columns`: the value of a field for all records."""


@dataclass(frozen=True)
class Columns:
    """The setting `columns` of a stream."""

    names: Mapping[str, str | None] = field(default_factory=dict)
    """The field of a column, by the plain name of the column; None where it is ignored."""
    constants: Mapping[str, Any] = field(default_factory=dict)
    """Values of fields."""

    def apply(self, record: dict[str, Any]) -> dict[str, Any]:
        """A record with the fields of its columns; a constant holds over a column of its name."""
        if not (self.names or self.constants):
            return record
        fixed = {plain(name) for name in self.constants}
        found = {
            renamed: value
            for name, value in record.items()
            if (renamed := self.names.get(plain(name), name)) is not None
            and plain(renamed) not in fixed
        }
        return {**found, **self.constants}

    def renamed(self, column: str) -> str | None:
        """The field that a column is; None where it is ignored."""
        return self.names.get(plain(column), column)


def columns_of(setting: Mapping[str, Any]) -> Columns:
    """The setting `columns` of a stream, as its schema allows it."""
    names = {plain(name): value for name, value in setting.items() if not isinstance(value, dict)}
    constants = {
        name: value[CONSTANT] for name, value in setting.items() if isinstance(value, dict)
    }
    return Columns(names, constants)
