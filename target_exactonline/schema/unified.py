"""The unified shape: what can be written in it, and what each of its fields is at Exact Online.

The facts are in `unified.csv` and `unified_words.csv` of the client; dbt's unified models are made
from the same lines.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import exactonline_client
from exactonline_client.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PREFIX = "unified_exact__"
"""Of the names of dbt's unified models."""
LINES = "line_items"
CODES = ("code", "display_id", "nominal_code")
NAMES = ("name", "display_name")
"""By what a row is known in the unified shape, besides its `id`."""
LINK, CODE, NAME, NONE = "link", "code", "name", "none"


@dataclass(frozen=True)
class UnifiedField:
    """A field of the unified shape."""

    name: str
    """Its path, such as `customer.id`."""
    write: str
    """How it is written: a conversion of `target_exactonline/unified/conversions.py`."""
    argument: str
    properties: tuple[str, ...]
    """What it is at Exact Online."""

    @property
    def group(self) -> str:
        """The object that it belongs to; itself where it stands alone."""
        return self.name.rpartition(".")[0] or self.name


@dataclass(frozen=True)
class UnifiedResource:
    """A kind of document in the unified shape."""

    name: str
    stream: str
    """Stream of the entity that it is."""
    fields: Mapping[str, UnifiedField]
    """By joined name."""
    constants: Mapping[str, Any] = field(default_factory=dict)
    """What makes a new row of the entity one of this kind."""
    lines: UnifiedResource | None = None
    collection: str = ""
    """The property that holds the lines."""

    @cached_property
    def groups(self) -> Mapping[str, str]:
        """The objects that fields belong to, by joined name."""
        return {joined(each.group): each.group for each in self.fields.values() if "." in each.name}

    def has(self, column: str) -> bool:
        """Whether a column is a field, an object of fields, or the lines."""
        name = joined(column)
        return (
            name in self.fields
            or name in self.groups
            or (self.lines is not None and name == joined(LINES))
        )

    def unified(self, prop: str) -> str | None:
        """What a property is called in the unified shape."""
        for each in self.fields.values():
            if prop in each.properties:
                return each.group if each.write in {LINK, CODE, NAME} else each.name
        return None


@dataclass(frozen=True)
class _Target:
    stream: str
    constants: Mapping[str, Any] = field(default_factory=dict)
    lines: str | None = None
    collection: str = ""


TARGETS: Mapping[str, _Target] = {
    "customers": _Target("accounts", {"Status": "C"}),
    "suppliers": _Target("accounts", {"IsSupplier": True}),
    "invoice_items": _Target("items"),
    "invoices": _Target("sales_invoices", {}, "invoice_line_items", "SalesInvoiceLines"),
    "credit_notes": _Target(
        "sales_invoices", {"Type": 8021}, "credit_note_line_items", "SalesInvoiceLines"
    ),
    "bills": _Target("purchase_entries", {}, "bill_line_items", "PurchaseEntryLines"),
    "journal_entries": _Target(
        "general_journal_entries", {}, "journal_entry_line_items", "GeneralJournalEntryLines"
    ),
}
"""What can be written, by the name of its resource."""


@lru_cache(maxsize=4096)
def joined(name: str) -> str:
    """Normalise the name of a field: `customer.id` and `customer_id` are the same."""
    return re.sub("[._]", "", name).casefold()


def find(stream: str) -> UnifiedResource | None:
    """Return the unified resource that a stream is by its name; None if it is none.

    Raises:
        ConfigurationError: it is one of lines, which come inside their documents.
    """
    name = joined(re.split(r"[-.]", stream)[-1].casefold().removeprefix(PREFIX))
    for document, target in TARGETS.items():
        if target.lines and name == joined(target.lines):
            raise ConfigurationError(
                f"Stream {stream!r} has lines of {document} in the unified shape, which are "
                f"only written inside their documents: in {LINES} of stream {document}."
            )
        if name == joined(document):
            return resource(document)
    return None


@cache
def resource(name: str) -> UnifiedResource:
    """Return a resource of `TARGETS` by its name."""
    target = TARGETS[name]
    return UnifiedResource(
        name,
        target.stream,
        _fields(name),
        target.constants,
        UnifiedResource(target.lines, "", _fields(target.lines)) if target.lines else None,
        target.collection,
    )


def _rows(file: str) -> list[dict[str, str]]:
    text = resources.files(exactonline_client).joinpath(file).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _fields(name: str) -> dict[str, UnifiedField]:
    found: dict[str, UnifiedField] = {}
    for row in _rows("unified.csv"):
        if row["resource"] == name:
            how, _, argument = row["write"].partition(":")
            sent_as = row["sent_as"] or row["exact_column"]
            found[joined(row["field"])] = UnifiedField(
                row["field"], how, argument, tuple(sent_as.split()) if how != NONE else ()
            )
    for link in [each for each in found.values() if each.write == LINK]:
        for other in _other_ways(link):
            found.setdefault(joined(other.name), other)
    return found


def _other_ways(link: UnifiedField) -> Iterator[UnifiedField]:
    """The fields that name the row of a link by its code or name."""
    for write, names in ((CODE, CODES), (NAME, NAMES)):
        for each in names:
            if link.name.endswith(".id"):
                yield UnifiedField(f"{link.group}.{each}", write, "", link.properties)


@cache
def words() -> Mapping[str, Mapping[str, str]]:
    """What words of the unified shape are at Exact Online, by list."""
    found: dict[str, dict[str, str]] = {}
    for row in _rows("unified_words.csv"):
        found.setdefault(row["list"], {}).setdefault(row["word"], row["exact"])
    return found
