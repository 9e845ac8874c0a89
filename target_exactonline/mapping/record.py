"""Map a record to the fields of a document, and collect all its problems."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from exactonline_client.deletion import Mark, mark_of, marks_in
from exactonline_client.odata.literals import EMPTY_GUID
from target_exactonline.mapping.model import SOURCE_KEY, RelatedRow
from target_exactonline.schema.dates import NotADate
from target_exactonline.schema.fields import shape_of
from target_exactonline.schema.locale import Locale
from target_exactonline.schema.names import nearest, plain
from target_exactonline.schema.references import CREATABLE, ROLES
from target_exactonline.schema.values import (
    WIDTHS,
    BadValueError,
    describe,
    is_empty,
    to_text,
    to_wire,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from zoneinfo import ZoneInfo

    from exactonline_client.catalogue import Property
    from target_exactonline.mapping.folder import Folder
    from target_exactonline.schema.fields import Shape
    from target_exactonline.schema.references import Link

METADATA = "_sdc_"
"""Prefix of columns that warehouse loaders add; they are ignored."""
SERIES = frozenset(
    {
        "BatchNumber",
        "EntryNumber",
        "HID",
        "InvoiceNumber",
        "OrderNumber",
        "ProcessNumber",
        "QuotationNumber",
        "SalesInvoiceNumber",
        "SalesOrderNumber",
        "ShopOrderNumber",
    }
)
"""Numbers that each division assigns itself."""
CODES = re.compile(
    "((?<!Search)Code|Currency|Country|Language|Unit|Journal|Cost([Cc]enter|[Uu]nit)"
    "|PaymentCondition|PaymentMethod|VATType|Gender|Status|Type)(Purchase|Sales)?$"
)
"""Names of texts that are codes, for which an empty text equals null."""


@dataclass(frozen=True)
class MappingOptions:
    """Options for mapping a record."""

    zone: ZoneInfo
    """Time zone of the server."""
    clear: bool = False
    """Null empties the property; else it is ignored."""
    creatable: frozenset[str] = frozenset()
    """Endpoints whose rows are created if they are missing."""
    from_exact: bool = False
    """The record was read from Exact Online: properties that cannot be written are ignored."""
    other_division: bool = False
    """It was read from another division, so its keys are not valid here."""
    locale: Locale = field(default_factory=Locale)
    """How its numbers and dates are written, unless it was read from Exact Online."""
    accepts_codes: bool = True
    """Codes are accepted in place of keys."""
    folder: Folder | None = None
    """Folder of files that records name by path."""


@dataclass
class MappedRecord:
    """Fields and problems of a mapped record."""

    fields: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """Writable fields that were left out, with the reason."""
    given: set[str] = field(default_factory=set)
    """Properties with a value in the record, valid or not."""
    key: str | None = None
    """Key of the row, which is not sent."""
    totals: dict[str, Decimal] = field(default_factory=dict)
    related: dict[str, dict[str, str]] = field(default_factory=dict)
    """Columns of related rows, by property: column -> text."""


def map_record(
    shape: Shape, record: Mapping[str, Any], options: MappingOptions, where: str = ""
) -> MappedRecord:
    """Map a record; never raises.

    Names are those of the API or their snake_case. `where` is the prefix of names in problems.
    """
    mapped = MappedRecord()
    for name, value in record.items():
        item = shape.known.get(plain(name))
        if is_metadata(name):
            continue
        if _is_blank(shape, item, value):
            _empty(mapped, shape, item, options)
        elif item and item.name in {shape.key, shape.parent}:
            _keep_key(mapped, shape, item, value, options, where)
        elif item is None or item.name not in shape.writable:
            _set_aside(mapped, shape, name, value, options, where)
        elif item.name in mapped.given:
            mapped.problems.append(f"{where}{item.name} is given twice")
        else:
            mapped.given.add(item.name)
            _add(mapped, shape, item, value, options, where)
    _resolve_columns(mapped, shape, options, where)
    return mapped


def is_metadata(name: str) -> bool:
    """Return whether a column is one that warehouse loaders add, in any case."""
    return name.casefold().startswith(METADATA)


def unclear_mark(record: Mapping[str, Any]) -> str | None:
    """Return the problem of an invalid `_sdc_deleted_at`; None if it is valid."""
    for name, value in marks_in(record).items():
        if mark_of({name: value}) is Mark.UNCLEAR:
            return (
                f"{name} should be empty or the time of the deletion (such as "
                f"2026-06-25T10:00:00Z, and not before 1971), but is {describe(value)}"
            )
    return None


def _is_blank(shape: Shape, item: Property | None, value: object) -> bool:
    """Return whether a value counts as null: also empty text, unless the property is free text."""
    is_free_text = (
        item is not None
        and item.type == "Edm.String"
        and item.name in shape.writable
        and item.name not in shape.required
        and not CODES.search(item.name)
    )
    return value is None if is_free_text else is_empty(value)


def _empty(
    mapped: MappedRecord, shape: Shape, item: Property | None, options: MappingOptions
) -> None:
    if (
        options.clear
        and item
        and item.put
        and not item.navigation
        and item.name not in shape.required
        and item.name != shape.key
    ):
        mapped.fields.setdefault(item.name, None)


def _keep_key(  # noqa: PLR0913, PLR0917
    mapped: MappedRecord,
    shape: Shape,
    item: Property,
    value: object,
    options: MappingOptions,
    where: str,
) -> None:
    """Keep the key of the row apart; ignore that of its parent."""
    if item.name != shape.key:
        return
    try:
        mapped.key = str(to_wire(value, item, options.zone))
    except BadValueError as error:
        mapped.problems.append(f"{where}{item.name} {error}")
        return
    if where and not options.other_division:
        # It identifies a line when a document is changed.
        mapped.fields[item.name] = mapped.key


def _set_aside(  # noqa: PLR0913, PLR0917
    mapped: MappedRecord,
    shape: Shape,
    name: str,
    value: object,
    options: MappingOptions,
    where: str,
) -> None:
    """Handle a property that cannot be written: column of a related row, total, or problem."""
    item = shape.known.get(plain(name))
    link, column = shape.related_columns.get(plain(name), (None, ""))
    if link and options.accepts_codes:
        try:
            _add_column(mapped, link, column, text(value))
        except BadValueError as error:
            mapped.problems.append(f"{where}{name} {error}")
    elif item and item.name in shape.totals:
        try:
            converted = _localized(value, item, options)
            mapped.totals[item.name] = Decimal(to_wire(converted, item, options.zone))
        except BadValueError as error:
            mapped.problems.append(f"{where}{item.name} {error}")
    elif not options.from_exact:
        mapped.problems.append(where + _refusal(shape, name, item))


def _refusal(shape: Shape, name: str, item: Property | None) -> str:
    what = (
        f"{name!r} is not a field of {shape.name}" if item is None else f"{item.name} is read-only"
    )
    similar = nearest(name, shape.writable)
    return f"{what} (similar: {', '.join(similar)})" if similar else what


def text(value: object) -> str:
    """Convert a code or name to text, stripped; it may be a whole number.

    Raises:
        BadValueError: it is of another type, empty, or not searchable.
    """
    try:
        converted = to_text(value).strip()
    except (ArithmeticError, TypeError, ValueError):
        converted = ""
    if not converted:
        raise BadValueError(f"should be a code or name, but is {describe(value)}")
    if not converted.isprintable():
        raise BadValueError("holds characters that cannot be searched for")
    return converted


def _add(  # noqa: PLR0913, PLR0917
    mapped: MappedRecord,
    shape: Shape,
    item: Property,
    value: object,
    options: MappingOptions,
    where: str,
) -> None:
    name = where + item.name
    try:
        if item.name in shape.children:
            mapped.fields[item.name] = _lines(
                mapped, shape.children[item.name], value, options, name
            )
        elif item.name in shape.links:
            _map_reference(mapped, shape.links[item.name], value, options, name)
        elif options.other_division and (item.type == "Edm.Guid" or _is_series(item)):
            _drop_foreign(mapped, shape, item, where)
        else:
            mapped.fields[item.name] = _converted(shape, item, value, options)
    except BadValueError as error:
        mapped.problems.append(f"{name} {error}")


def _converted(shape: Shape, item: Property, value: object, options: MappingOptions) -> Any:  # noqa: ANN401
    sent = to_wire(_localized(value, item, options), item, options.zone)
    if isinstance(sent, str) and CODES.search(item.name):
        sent = sent.strip()
    longest = WIDTHS.get(f"{shape.endpoint.id}.{item.name}") or WIDTHS.get(item.name)
    if longest and isinstance(sent, str) and len(sent.strip()) > longest:
        raise BadValueError(f"is longer than {longest} characters")
    return sent


def _localized(value: object, item: Property, options: MappingOptions) -> object:
    """Convert a number or date from the locale of the records."""
    if options.from_exact:
        return value
    try:
        return options.locale.read(value, item)
    except NotADate as error:
        raise BadValueError(str(error)) from None


def _lines(
    mapped: MappedRecord, shape: Shape, value: object, options: MappingOptions, name: str
) -> list[dict[str, Any]]:
    lines = []
    for number, row in enumerate(_rows(value), start=1):
        where = f"{name}[{number}]."
        unclear = unclear_mark(row)
        if unclear:
            mapped.problems.append(where + unclear)
        elif mark_of(row) is Mark.DELETED:
            continue
        line = map_record(shape, row, options, where)
        missing = [each for each in shape.required if each not in line.given]
        mapped.problems += [f"{where}{each} is missing" for each in missing]
        mapped.problems += line.problems
        mapped.notes += line.notes
        lines.append(line.fields)
    if not lines:
        raise BadValueError("should hold at least one line, but all of them were deleted")
    return lines


def _rows(value: object) -> Iterator[Mapping[str, Any]]:
    """Iterate over the rows of a collection, which may be JSON text."""
    if isinstance(value, str):
        try:
            value = json.loads(value, parse_float=Decimal)
        except (ValueError, RecursionError):
            raise BadValueError(
                "should be a list of objects, but is text that is not JSON"
            ) from None
    if not isinstance(value, list):
        raise BadValueError(f"should be a list of objects, but is {describe(value)}")
    if not value:
        raise BadValueError("should hold at least one line, but is empty")
    for row in value:
        if not isinstance(row, dict):
            raise BadValueError("should be a list of objects, but holds something else")
        yield row


def _is_series(item: Property) -> bool:
    return item.name in SERIES and item.type == "Edm.Int32"


def _drop_foreign(mapped: MappedRecord, shape: Shape, item: Property, where: str) -> None:
    """Leave out a key or number that is only valid in its source division."""
    kind = "key" if item.type == "Edm.Guid" else "number"
    if item.name in shape.required:
        mapped.problems.append(
            f"{where}{item.name} is a {kind} of another division, and there is no way to find its "
            "counterpart here"
        )
    else:
        mapped.notes.append(f"{where}{item.name} was left out: it is a {kind} of another division")


def _map_reference(
    mapped: MappedRecord, link: Link, value: object, options: MappingOptions, name: str
) -> None:
    """Map a reference that is a key, a code, or an object."""
    if isinstance(value, dict) and options.accepts_codes:
        mapped.fields[link.name] = _embedded_row(mapped, link, value, options, name)
        return
    key = _guid(value)
    if key == EMPTY_GUID:
        mapped.given.discard(link.name)
        return
    if key is None:
        if not link.target.by or not options.accepts_codes:
            raise BadValueError(f"should be a GUID, but is {describe(value)}")
        _add_column(mapped, link, link.target.by[0], text(value))
    elif options.other_division:
        mapped.fields[link.name] = _related_row(link, ((SOURCE_KEY, key),), {}, options)
    else:
        mapped.fields[link.name] = key


def _add_column(mapped: MappedRecord, link: Link, column: str, text: str) -> None:
    texts = mapped.related.setdefault(link.name, {})
    if texts.setdefault(column, text) != text:
        raise BadValueError("is given twice, with different values")


def _guid(value: object) -> str | None:
    try:
        return str(UUID(value.strip())) if isinstance(value, str) else None
    except ValueError:
        return None


def _embedded_row(
    mapped: MappedRecord, link: Link, value: Mapping[str, Any], options: MappingOptions, name: str
) -> str | RelatedRow:
    """Map a related row that is embedded in the record; it may be created if missing."""
    target = link.target
    if target.endpoint not in CREATABLE.values():
        raise BadValueError("should be a key or a code, but is an object")
    shape = shape_of(target.endpoint)
    nested = replace(
        options, from_exact=False, other_division=False, accepts_codes=False, clear=False
    )
    row = map_record(shape, value, nested, f"{name}.")
    mapped.problems += row.problems
    if row.key and row.key != EMPTY_GUID:
        return row.key
    by = tuple((column, row.fields[column].strip()) for column in target.by if column in row.fields)
    if not any(text for _, text in by):
        raise BadValueError(f"should hold {' or '.join(target.by)}")
    return _related_row(link, tuple(pair for pair in by if pair[1]), row.fields, options)


def _resolve_columns(
    mapped: MappedRecord, shape: Shape, options: MappingOptions, where: str
) -> None:
    """Turn the columns of related rows into lookups."""
    for name, texts in mapped.related.items():
        _resolve_column(mapped, shape, shape.links[name], texts, options, where)
    for name in shape.required:
        value = mapped.fields.get(name)
        if isinstance(value, RelatedRow) and value.optional:
            mapped.fields[name] = replace(value, optional=False)


def _resolve_column(  # noqa: PLR0913, PLR0917
    mapped: MappedRecord,
    shape: Shape,
    link: Link,
    texts: dict[str, str],
    options: MappingOptions,
    where: str,
) -> None:
    given = mapped.fields.get(link.name)
    by = tuple((column, texts[column]) for column in link.target.by if column in texts)
    if isinstance(given, RelatedRow) and given.by[0][0] == SOURCE_KEY:
        mapped.fields[link.name] = _related_row(link, (*given.by, *by), texts, options)
    elif given is not None:
        if not options.from_exact:
            beside = " and ".join(link.name + column for column in texts)
            mapped.problems.append(f"{where}{beside} cannot be given together with {link.name}")
    elif by:
        mapped.given.add(link.name)
        mapped.fields[link.name] = _related_row(link, by, texts, options)
    elif not options.from_exact:
        mapped.problems.append(where + _refusal_of_title(shape, link))


def _refusal_of_title(shape: Shape, link: Link) -> str:
    name = link.name + link.target.title
    return _refusal(shape, name, shape.known.get(plain(name)))


def _related_row(
    link: Link, by: tuple[tuple[str, str], ...], fields: Mapping[str, Any], options: MappingOptions
) -> RelatedRow:
    target = link.target
    new = None
    if target.endpoint in options.creatable:
        shape = shape_of(target.endpoint)
        complete = all(fields.get(name) for name in shape.required)
        new = {**ROLES.get(link.name, {}), **fields} if complete else None
    # Only a copied document may be written without the row; an explicit value is required.
    return RelatedRow(target.endpoint, by, new, optional=target.optional and options.other_division)
