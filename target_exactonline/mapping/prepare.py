"""Prepare documents from records: map, validate, find the reference."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from exactonline_client.deletion import Mark, mark_of
from exactonline_client.odata.literals import EMPTY_GUID
from exactonline_client.store.references import LONGEST_REFERENCE
from target_exactonline.mapping import attachments, validation
from target_exactonline.mapping.model import Document, encode
from target_exactonline.mapping.record import (
    MappedRecord,
    MappingOptions,
    map_record,
    text,
    unclear_mark,
)
from target_exactonline.schema.fields import shape_of
from target_exactonline.schema.locale import Locale
from target_exactonline.schema.names import plain
from target_exactonline.schema.references import CREATABLE
from target_exactonline.schema.values import CONVERTERS, BadValueError, is_empty

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from zoneinfo import ZoneInfo

    from target_exactonline.mapping.folder import Folder
    from target_exactonline.schema.entities import Entity
    from target_exactonline.schema.fields import Shape

REFERENCE = "reference"
"""Record field for the reference, required if the entity has no property for it."""
NO_REFERENCE = (
    "is missing: Exact Online has no field for one here, so give the record a field of your own "
    "that is called reference"
)
DIVISION = "division"


@dataclass(frozen=True)
class PrepareOptions:
    """Settings for the preparation of documents."""

    reference_field: str = "YourRef"
    nulls: str = "leave"
    """`leave`: ignore nulls; `clear`: empty their properties."""
    create_missing: frozenset[str] = frozenset()
    """Related rows to create if missing: `accounts`, `items`."""
    folder: Folder | None = None
    """Folder of files that records name by path."""
    locale: Locale = field(default_factory=Locale)
    """How numbers and dates are written in the records."""


def _stripped(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Strip texts recursively; surrounding spaces do not make a different document."""
    if isinstance(value, dict):
        return {name: _stripped(each) for name, each in value.items()}
    if isinstance(value, list):
        return list(map(_stripped, value))
    return value.strip() if isinstance(value, str) else value


def preparer(
    entity: Entity, settings: PrepareOptions, zone: ZoneInfo, division: int
) -> Callable[[Mapping[str, Any]], Document]:
    """Build a function that prepares a document from a record; it makes no call and never raises.

    Raises:
        ConfigurationError: documents cannot be searched by the reference field of `settings`.
    """
    return partial(
        _prepare,
        shape_of(entity.endpoint.id),
        entity.reference_field(settings.reference_field),
        MappingOptions(
            zone,
            clear=settings.nulls == "clear",
            creatable=frozenset(CREATABLE[name] for name in settings.create_missing),
            folder=settings.folder,
            locale=settings.locale,
        ),
        division,
    )


def _prepare(
    shape: Shape,
    reference_field: str | None,
    options: MappingOptions,
    division: int,
    record: Mapping[str, Any],
) -> Document:
    rest = {str(name): value for name, value in record.items()}
    deleted = mark_of(rest) is Mark.DELETED
    unclear = unclear_mark(rest)
    files, problems = attachments.take(rest, options.folder)
    origin = _take_division(rest)
    foreign = origin not in {None, division}
    alias, alias_problems = _take_reference(rest, shape, reference_field)
    mapped = map_record(
        shape, rest, replace(options, from_exact=origin is not None, other_division=foreign)
    )
    key = None if mapped.key == EMPTY_GUID else mapped.key
    # A record of the tap may lack the reference; then its source key identifies it.
    local = origin is not None and key is not None and reference_field not in mapped.given
    reference, missing = _reference(mapped, None if local else reference_field, alias or key)
    document = Document(
        reference,
        mapped.fields,
        source_key=key if foreign or local else None,
        exact_id=None if foreign else key,
        local=local,
        deleted=deleted,
        expected=mapped.totals,
        attachments=files,
        record=record,
        notes=mapped.notes,
        line_keys={name: child.key for name, child in shape.children.items()},
    )
    if unclear:
        document.problems = [*alias_problems, *missing, unclear]
    elif deleted:
        document.problems = alias_problems + ([] if key else missing)
    else:
        problems = alias_problems + missing + problems
        document.lacks = [
            f"{name} is missing"
            for name in shape.required
            if name not in mapped.given and name != reference_field
        ]
        if document.exact_id is None:
            problems += document.lacks
        problems += mapped.problems
        if origin is None:
            problems += validation.sums(shape, mapped.fields, mapped.totals)
            problems += validation.fractions(shape, mapped.fields)
        document.problems = problems
    if not document.problems:
        document.payload_hash = hashlib.sha256(encode(_stripped(mapped.fields))).hexdigest()
    return document


def _take_division(record: dict[str, Any]) -> int | None:
    """Remove and return the source division, which only records of the tap have; None without."""
    name = next((name for name in record if plain(name) == DIVISION), None)
    try:
        division = CONVERTERS["Edm.Int32"](record.get(name or ""))
    except (ArithmeticError, TypeError, ValueError):
        return None
    del record[name or ""]
    return int(division)


def _take_reference(
    record: dict[str, Any], shape: Shape, reference_field: str | None
) -> tuple[str | None, list[str]]:
    """Move the field `reference` to the reference field; else return it, with its problems."""
    name = next((name for name in record if plain(name) == REFERENCE), None)
    if name is None or REFERENCE in shape.known:
        return None, []
    value = record.pop(name)
    if is_empty(value):
        return None, []
    if reference_field is None:
        try:
            return text(value), []
        except BadValueError as error:
            return None, [f"{name} {error}"]
    spelled = next((each for each in record if plain(each) == plain(reference_field)), None)
    given = record.get(spelled or "")
    if spelled is not None and is_empty(given):
        del record[spelled]
    if is_empty(given):
        record[reference_field] = value
    elif not _same_text(given, value):
        return None, [f"{name} and {reference_field} are both given, and differ"]
    return None, []


def _same_text(one: object, other: object) -> bool:
    try:
        return text(one) == text(other)
    except BadValueError:
        return False


def _reference(
    mapped: MappedRecord, reference_field: str | None, other: str | None
) -> tuple[str | None, list[str]]:
    """Return the reference of a document, and its problems.

    `other` is used if the entity has no property for it: the field `reference`, or the source key.
    """
    if reference_field is None:
        problem = NO_REFERENCE if other is None else _reference_problem(other)
        name = REFERENCE
        reference = other
    else:
        name = reference_field
        reference = mapped.fields.get(name)
        if isinstance(reference, str):
            reference = mapped.fields[name] = reference.strip()
            problem = _reference_problem(reference)
        else:
            problem = None if name in mapped.given else "is missing"
            reference = None
    if problem:
        return None, [f"{name} {problem}"]
    return reference, []


def _reference_problem(reference: str) -> str | None:
    if not reference:
        return "is empty"
    if not reference.isprintable():
        return "holds characters that cannot be searched for"
    if len(reference) > LONGEST_REFERENCE:
        return f"is longer than {LONGEST_REFERENCE} characters"
    return None


def refuse_contradictions(documents: Iterable[Document]) -> None:
    """Reject each document with the same reference as an earlier one and different content."""
    first: dict[str, str] = {}
    for document in documents:
        if document.reference is None or document.problems:
            continue
        if first.setdefault(document.reference, document.payload_hash) != document.payload_hash:
            document.problems.append(
                "an earlier record of this batch has the same reference and other content; "
                "that one was used"
            )
