"""Map the columns of a table to properties, by option or else by header."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from exactonline_cli.spreadsheet.headers import (
    CHECKS,
    DOCUMENT,
    IGNORE,
    ITEM_NAME,
    LINES,
    PARTY,
    PARTY_NAME,
    SALES_PRICE,
    Field,
    plain_header,
)
from exactonline_client.errors import ConfigurationError
from target_exactonline.schema.names import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exactonline_cli.spreadsheet.headers import Vocabulary

GIVEN, KNOWN = "given", "header"
WHAT = frozenset({"Item", "ItemCode", "GLAccount", "GLAccountCode"})
"""Fields of which a line has one: what it is about."""
_NUMBERED = re.compile(r"(?<!\d)(\d{1,2})(?!\d)")


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    index: int
    header: str
    field: Field
    how: str
    """`given` by the user, or known by its `header`."""
    group: int | None = None
    """Of a table with the items of a document side by side: the number of the item."""


@dataclass
class ColumnMap:
    """What the columns of a table hold."""

    columns: list[Column] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    """Headers that are no field."""
    questions: list[str] = field(default_factory=list)
    """What has to be said before anything can be imported, with the option that says it."""

    def of(self, name: str, group: int | None = None) -> Column | None:
        """The column of a field."""
        return next(
            (
                column
                for column in self.columns
                if column.field.name == name and column.group in {None, group}
            ),
            None,
        )

    @property
    def groups(self) -> list[int | None]:
        """The numbers of the items that stand side by side; one None where none do."""
        found = sorted({column.group for column in self.columns if column.group is not None})
        return [*found] or [None]


def match(
    names: Sequence[str],
    known: Vocabulary,
    given: Mapping[str, str],
    constants: Mapping[str, str],
) -> ColumnMap:
    """Find out what the columns of a table hold.

    Args:
        names: the headers, by column.
        known: the headers that are known for the entity.
        given: fields by header, as the user says; `ignore` leaves a column out.
        constants: fields that have one value for all documents, whose columns are left out.

    Raises:
        ConfigurationError: the user names a header or a field that is not there.
    """
    by_user = _by_user(names, known, given)
    found = ColumnMap()
    wide = _wide(names, known)
    for index, name in enumerate(names):
        if not name:
            continue
        if index in by_user:
            if by_user[index].name != IGNORE:
                found.columns.append(Column(index, name, by_user[index], GIVEN))
        elif index in wide:
            group, line_field = wide[index]
            found.columns.append(Column(index, name, line_field, KNOWN, group))
        else:
            _by_header(found, index, name, known)
    _drop_constants(found, constants)
    _settle_doubles(found)
    return found


def _by_user(names: Sequence[str], known: Vocabulary, given: Mapping[str, str]) -> dict[int, Field]:
    plain = {plain_header(name): index for index, name in enumerate(names) if name}
    found = {}
    for header, meant in given.items():
        index = plain.get(plain_header(header))
        if index is None:
            raise ConfigurationError(
                f"--column: the file has no column {header!r}. It has: "
                f"{', '.join(name for name in names if name)}."
            )
        field_meant = known.named(meant)
        if field_meant is None:
            near = nearest(meant, [each.name for some in known.exact.values() for each in some])
            raise ConfigurationError(
                f"--column: {meant!r} is not a field of {known.entity.stream}."
                + (f" Did you mean {' or '.join(near)}?" if near else "")
                + " To leave the column out, give ignore."
            )
        found[index] = field_meant
    return found


def _wide(names: Sequence[str], known: Vocabulary) -> dict[int, tuple[int, Field]]:
    """Columns of items that stand side by side, as `Artikel 1`, `Aantal 1`, `Artikel 2` ..."""
    by_stem: dict[Field, dict[int, int]] = {}
    for index, name in enumerate(names):
        number = _NUMBERED.search(name)
        if not number:
            continue
        stem = re.sub(r"[ _.-]{2,}", " ", _NUMBERED.sub(" ", name, count=1)).strip(" _.-")
        stem = re.sub(r"\s+", "_", stem)
        for line_field in known.find_in_wide(stem)[:1]:
            by_stem.setdefault(line_field, {}).setdefault(int(number[1]), index)
    several = {each: places for each, places in by_stem.items() if len(places) > 1}
    if not {each.name for each in several} & WHAT:
        # Two descriptions of one item make no second line.
        return {}
    return {
        index: (number, each)
        for each, places in several.items()
        for number, index in places.items()
    }


def _by_header(found: ColumnMap, index: int, name: str, known: Vocabulary) -> None:
    possible = known.find(name)
    if not possible:
        found.left_out.append(name)
        return
    names = {each.name for each in possible}
    if len(names) == 1 and names <= {IGNORE, SALES_PRICE}:
        found.left_out.append(name)
        return
    free = [each for each in possible if each.name != ITEM_NAME]
    found.columns.append(Column(index, name, (free or possible)[0], KNOWN))
    if len({(each.name, each.part) for each in free}) > 1:
        found.columns[-1] = replace(found.columns[-1], field=_fitting(found, free))


def _fitting(found: ColumnMap, possible: Sequence[Field]) -> Field:
    """Of several fields, the first that no column before holds."""
    taken = {column.field for column in found.columns[:-1]}
    return next((each for each in possible if each not in taken), possible[0])


def _drop_constants(found: ColumnMap, constants: Mapping[str, str]) -> None:
    parties = {"OrderedBy", "Customer", "Supplier", "Account"}
    for name in constants:
        replaced = {name, f"{name}Code", f"{name}Name", *([PARTY] if name in parties else [])}
        for column in [each for each in found.columns if each.field.name in replaced]:
            found.columns.remove(column)
            found.left_out.append(column.header)


def _settle_doubles(found: ColumnMap) -> None:
    """Leave out a second column of a party; ask about two columns of one field."""
    names = {column.field.name for column in found.columns}
    by_code = names & {"OrderedBy", "OrderedByCode", "Customer", "Supplier"}
    for column in list(found.columns):
        second = column.field.name == PARTY or (
            column.field.name in {"OrderedByName", "CustomerName", "SupplierName"}
        )
        if second and (by_code or (PARTY in names and column.field.name != PARTY)):
            found.columns.remove(column)
            found.columns.append(replace(column, field=Field(PARTY_NAME, DOCUMENT)))
    seen: dict[tuple[Field, int | None], Column] = {}
    for column in found.columns:
        if column.field.name in {PARTY_NAME, ITEM_NAME} or column.field.name in CHECKS:
            continue
        before = seen.setdefault((column.field, column.group), column)
        if before is column:
            continue
        found.questions.append(
            f"columns {before.header!r} and {column.header!r} both mean {column.field.name}: leave "
            f"one out with --column {column.header!r}=ignore"
        )


def is_lines(column: Column) -> bool:
    """Whether a column belongs to the lines of a document."""
    return column.field.part == LINES
