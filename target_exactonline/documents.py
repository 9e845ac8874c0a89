"""Records made ready to be sent: shaped, checked, and with the reference they are known by."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from exactonline_client import catalogue
from target_exactonline import shape
from target_exactonline.results import LONGEST_REFERENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from zoneinfo import ZoneInfo

    from target_exactonline.entities import Entity


@dataclass
class Document:
    """One record on its way to Exact Online."""

    reference: str | None
    """None where the record has none that can be used."""
    body: bytes = b""
    """JSON with sorted names: equal documents have equal bodies."""
    problems: list[str] = field(default_factory=list)

    @property
    def payload_hash(self) -> str:
        """What tells whether two documents are the same; empty without a body."""
        return hashlib.sha256(self.body).hexdigest() if self.body else ""


def preparer(
    entity: Entity, reference_field: str, zone: ZoneInfo
) -> Callable[[Mapping[str, Any]], Document]:
    """A function that makes a document of a record; it asks nothing of the API and never raises.

    Raises:
        ConfigurationError: documents cannot be looked for by `reference_field`.
    """
    entity.check_reference(reference_field)
    form = shape.shape_of(entity.endpoint, catalogue.load())
    encode = msgspec.json.Encoder(decimal_format="number", order="sorted").encode
    required = (reference_field, *entity.rules.required)

    def prepare(record: Mapping[str, Any]) -> Document:
        reading = shape.read(form, record, zone)
        problems = [f"{name} is missing" for name in required if name not in reading.given]
        problems += reading.problems
        reference = reading.body.get(reference_field)
        if reference is not None:
            reference = reading.body[reference_field] = reference.strip()
            problem = _unusable(reference)
            if problem:
                problems.append(f"{reference_field} {problem}")
                reference = None
        return Document(reference, b"" if problems else encode(reading.body), problems)

    return prepare


def _unusable(reference: str) -> str | None:
    if not reference:
        return "is empty"
    if not reference.isprintable():
        return "holds characters that cannot be searched for"
    if len(reference) > LONGEST_REFERENCE:
        return f"is longer than {LONGEST_REFERENCE} characters"
    return None


def refuse_contradictions(documents: Iterable[Document]) -> None:
    """Give a problem to each document that shares a reference with an earlier, different one."""
    first: dict[str, bytes] = {}
    for document in documents:
        if document.reference is None or document.problems:
            continue
        if first.setdefault(document.reference, document.body) != document.body:
            document.problems.append(
                "an earlier record of this batch has the same reference and other content; "
                "that one was used"
            )
