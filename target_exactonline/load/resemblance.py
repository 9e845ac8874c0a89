"""Search for a document by its content, if its reference does not find it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from exactonline_client import catalogue
from exactonline_client.errors import RequestRefused
from exactonline_client.odata.literals import literal
from exactonline_client.odata.refused_query import is_about_query
from target_exactonline.load import diff as differences
from target_exactonline.load.spelling import SHORT, Spelling

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exactonline_client.catalogue import Endpoint
    from target_exactonline.load.journal import Journal
    from target_exactonline.load.search import Columns, Row, Search
    from target_exactonline.mapping.model import Document

logger = logging.getLogger(__name__)

LONG_TEXT = 10
"""Texts of more characters are compared as they may be kept: they may be cut."""
MAY_BE = (
    "a document at Exact Online ({key}) has the {name} {kept!r}, which may be what became of this "
    "reference, and other content"
)
SEVERAL = "several documents at Exact Online may be it, all without its {name}: {keys}"


@dataclass
class Resemblance:
    """Searches for documents of one kind by their content, and by spellings of their reference."""

    search: Search
    journal: Journal
    unsure: dict[str, str] = field(default_factory=dict)
    """Reasons why documents can be neither identified nor ruled out, by their references."""

    @cached_property
    def spelling(self) -> Spelling:
        """The spelling in which Exact Online keeps the references of these documents."""
        return self.journal.spelling(self.search.endpoint.id)

    def lost(self, document: Document, sent_at: float, columns: Columns) -> list[Row] | None:
        """Search for a document that was sent without an answer, also by other spellings.

        Args:
            document: what was sent.
            sent_at: when, in seconds since the epoch.
            columns: what to read of it.

        Returns:
            None if there is no way to search for it.
        """
        rows = self.search.lost(document, sent_at, columns)
        if rows or self.search.reference_field not in document.fields:
            return rows
        if rows is not None and self.spelling.is_proven(str(document.reference)):
            return rows
        condition = self.search.since(sent_at) or self.search.alike(document)
        if not condition:
            return None if self.spelling.examples else rows
        rows = self._matching(document, condition, columns)
        return None if str(document.reference) in self.unsure else rows

    def unsent(self, document: Document) -> list[Row] | None:
        """Search for a document that the journal does not know, by other spellings.

        Returns:
            None if one may be it, and cannot be compared.
        """
        spelling = self.spelling
        name, reference = str(self.search.reference_field), str(document.reference)
        predicted = spelling.predicted(reference)
        alike = self.search.alike(document)
        condition: str | None
        if predicted:
            condition = f"{name} eq {literal(predicted, 'Edm.String')}"
        elif spelling.examples:
            condition = alike
        else:
            start = reference[: SHORT if alike else 2 * SHORT]
            begins = f"startswith({name},{literal(start, 'Edm.String')})"
            condition = f"{begins} and {alike}" if alike else begins
        if not condition:
            return []
        try:
            rows = self._matching(document, condition, {})
        except RequestRefused as refusal:
            if not is_about_query(refusal) or predicted:
                raise
            logger.info("%s Documents are not searched by the beginning of %s.", refusal, name)
            return []
        if not rows and predicted and reference in self.unsure:
            return None
        return rows

    def _matching(self, document: Document, condition: str, columns: Columns) -> list[Row]:
        """List the documents of a condition that are this one; note those that may be."""
        spelling = self.spelling
        name, key, reference = (
            str(self.search.reference_field), self.search.key, str(document.reference)
        )  # fmt: skip
        self.unsure.pop(reference, None)
        rows = self.search.matching(condition, {"": []})
        spelled = {str(row[key]): str(row.get(name) or "").strip() for row in rows}
        exact = [each for each, kept in spelled.items() if kept == reference]
        # Where others have a reference, a document without one was sent without.
        none_kept = spelling.predicted(reference) == "" or not any(spelled.values())
        similar = {
            each: kept
            for each, kept in spelled.items()
            if not exact and (spelling.may_be(reference, kept) if kept else none_kept)
        }
        taken = self.journal.taken(self.search.endpoint.id, list(similar))
        wanted = exact or [each for each in similar if each not in taken]
        if not wanted:
            return []
        candidates = self.search.by_key(wanted, self.columns(document, columns))
        if exact:
            return list(candidates.values())
        same = [row for row in candidates.values() if self.is_same(document, row)]
        named = [each for each in candidates if similar[each]]
        if not same and named:
            self.unsure[reference] = MAY_BE.format(key=named[0], name=name, kept=similar[named[0]])
        if len(same) > 1:
            keys = ", ".join(str(row[key]) for row in same)
            self.unsure[reference] = SEVERAL.format(keys=keys, name=name)
            return []
        return same

    def columns(self, document: Document, others: Columns) -> Columns:
        """Add the columns that a document is compared by to other columns of a query."""
        columns = differences.columns(self.search.endpoint, [document])
        return {
            collection: list(dict.fromkeys([*columns.get(collection, []), *names]))
            for collection, names in {**columns, **others}.items()
        } | {"": list(dict.fromkeys([*columns.get("", []), *others.get("", [])]))}

    def is_same(self, document: Document, row: Row) -> bool:
        """Whether a row has the content of a document; long texts as they may be kept."""
        endpoint = self.search.endpoint
        given = {
            name: value
            for name, value in document.fields.items()
            if name != self.search.reference_field
        }
        alike = not differences.compare(endpoint, _comparable(endpoint, given), row).values
        return alike and all(
            Spelling().may_be(str(value), str(row[name]))
            for name, value in given.items()
            if _is_long(endpoint, name, value) and row.get(name)
        )


def _comparable(endpoint: Endpoint, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out texts that may be cut, in the lines as well."""
    result = {}
    for name, value in fields.items():
        item = endpoint.properties[name]
        if isinstance(value, list):
            lines = catalogue.load().endpoints[item.entity or endpoint.id]
            result[name] = [_comparable(lines, line) for line in value]
        elif not _is_long(endpoint, name, value):
            result[name] = value
    return result


def _is_long(endpoint: Endpoint, name: str, value: object) -> bool:
    """Whether a value is a text that may be kept in another spelling."""
    return endpoint.properties[name].type == "Edm.String" and len(str(value)) > LONG_TEXT
