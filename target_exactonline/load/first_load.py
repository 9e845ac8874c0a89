"""The first load of documents that cannot be searched by reference, with a new store.

Only the journal knows whether such documents are at Exact Online, and its store may have replaced
a lost one. Unless the setting `new_store` rules that out, they are searched for by their content.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from exactonline_client import catalogue
from exactonline_client.errors import RequestRefused
from exactonline_client.odata.decoding import DATE, instant
from exactonline_client.odata.literals import literal
from exactonline_client.odata.refused_query import is_about_query
from exactonline_client.store.tables import loaded_kinds
from target_exactonline.load.planned import refers_to_new
from target_exactonline.load.spelling import Spelling

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from exactonline_client.catalogue import Endpoint
    from target_exactonline.load.resemblance import Resemblance
    from target_exactonline.load.search import Row, Search
    from target_exactonline.mapping.model import Document

logger = logging.getLogger(__name__)

CONTENT = "$filter=content of "
MOST_TERMS = 6
LONGEST_TEXT = 30
"""Length above which a text is not searched by: it may be cut."""
WARNING = (
    "%s cannot be searched by a reference of your own, and this store knows of no load of them "
    "into division %s. They are looked for by their content, at one or two calls for each. If "
    "none was loaded before, set new_store: true for the first load, which saves the calls."
)
DONE = (
    "Setting new_store has done its work for %s in division %s: remove it, or a store that is lost "
    "will not be noticed."
)


class Mark(NamedTuple):
    """The first load of a kind of documents with this store."""

    since: float
    """In seconds since the epoch."""
    is_new: bool
    """Whether nothing was loaded before, by the setting `new_store`."""


@dataclass
class FirstLoad:
    """Searches for documents of one kind that an earlier store may have loaded."""

    search: Search
    resemblance: Resemblance
    new_store: bool
    """The setting: nothing was loaded before."""
    dry_run: bool

    @cached_property
    def mark(self) -> Mark:
        """The mark of this kind in the store; set on the first load."""
        connection = self.search.connection
        key = {
            "app": connection.app.key,
            "division": self.search.division,
            "entity": self.search.endpoint.id,
        }
        mine = sa.and_(*(loaded_kinds.c[name] == value for name, value in key.items()))
        query = sa.select(loaded_kinds.c.since, loaded_kinds.c.is_new).where(mine)
        name, division = self.search.endpoint.name, self.search.division
        with connection.store.transaction() as transaction:
            known = transaction.execute(query).first()
            mark = (
                Mark(known.since, known.is_new)
                if known
                else Mark(connection.clock(), self.new_store)
            )
            if known is None or (self.new_store and not mark.is_new):
                mark = mark._replace(is_new=self.new_store)
                if not self.dry_run:
                    transaction.execute(loaded_kinds.delete().where(mine))
                    transaction.execute(loaded_kinds.insert().values(**key, **mark._asdict()))
            elif self.new_store:
                logger.warning(DONE, name, division)
        if known is None and not self.new_store:
            logger.warning(WARNING, name, division)
        return mark

    def look(self, document: Document) -> list[Row] | None:
        """Find the documents with the content of this one that are older than the store.

        Returns:
            None if nothing in it can be searched by.
        """
        if self.mark.is_new or self._is_later(document) or refers_to_new(document.fields):
            return []
        rows = self._candidates(document)
        if rows is None:
            return None
        taken = self.resemblance.journal.taken(self.search.endpoint.id, list(rows))
        return [
            row for key, row in rows.items()
            if key not in taken and self._was_before(row) and self._is_it(document, row)
        ]  # fmt: skip

    def _is_later(self, document: Document) -> bool:
        """Whether all days in a document are after the first load with this store."""
        since = datetime.fromtimestamp(self.mark.since, timezone.utc)
        first = since.astimezone(self.search.connection.zone).date().isoformat()
        days = [day[: len(first)] for day in _days(self.search.endpoint, document.fields)]
        return bool(days) and min(days) > first

    def _was_before(self, row: Row) -> bool:
        """Whether a document was created before the first load with this store."""
        created = DATE.fullmatch(str(row.get("Created")))
        if created is None:
            return True
        made = instant(int(created[1]), self.search.connection.zone)
        return made.timestamp() < self.mark.since

    def _is_it(self, document: Document, row: Row) -> bool:
        kept = str(row.get(str(self.search.reference_field)) or "").strip()
        if kept and (document.local or not Spelling().may_be(str(document.reference), kept)):
            return False
        return self.resemblance.is_same(document, row)

    def _candidates(self, document: Document) -> dict[str, Row] | None:
        """Find documents that share values with one, by key; None if none can be searched by."""
        search, fields = self.search, document.fields
        for name, value in fields.items():
            item = search.endpoint.properties[name]
            if isinstance(value, list) and value and item.entity and item.field:
                lines = catalogue.load().endpoints[item.entity]
                rows = self._matching(lines, value[0], item.field)
                if rows is not None:
                    return self._whole(document, [str(row[item.field]) for row in rows])
        rows = self._matching(search.endpoint, fields, search.key)
        return None if rows is None else self._whole(document, [str(r[search.key]) for r in rows])

    def _matching(
        self, endpoint: Endpoint, fields: Mapping[str, Any], column: str
    ) -> list[Row] | None:
        """Find rows by the fields that can be searched by; None if none can.

        Columns that the documentation does not allow in a filter are tried if there is no other.
        """
        for documented in (True, False):
            condition = _condition(endpoint, fields, documented=documented)
            option = f"{CONTENT}{endpoint.id}"
            if not condition or (not documented and self.search.is_refused(option)):
                continue
            try:
                return self.search.matching(condition, {}, endpoint, [column])
            except RequestRefused as refusal:
                if not is_about_query(refusal):
                    raise
                logger.info("%s Documents are not looked for by their content.", refusal)
                self.search.refuse(option)
        return None

    def _whole(self, document: Document, keys: list[str]) -> dict[str, Row]:
        created = ["Created"] if "Created" in self.search.endpoint.columns else []
        columns = self.resemblance.columns(document, {"": created})
        wanted = list(dict.fromkeys(keys))
        return self.search.by_key(wanted, columns) if wanted else {}


def _condition(endpoint: Endpoint, fields: Mapping[str, Any], *, documented: bool) -> str:
    """Make a filter by fields; by texts, which may be kept otherwise, only if there is no other."""
    terms: dict[bool, list[str]] = {False: [], True: []}
    for name, value in fields.items():
        item = endpoint.columns.get(name)
        if item is None or item.key or not value or isinstance(value, (list, bool)):
            continue
        allowed = not endpoint.filter_fields or name in endpoint.filter_fields
        is_text = item.type == "Edm.String"
        if allowed != documented or item.type == "Edm.Binary":
            continue
        if is_text and len(str(value)) > LONGEST_TEXT:
            continue
        is_day = item.type == "Edm.DateTime" and "T" not in str(value)
        term = literal(f"{value}T00:00:00" if is_day else value, item.type)
        terms[is_text].append(f"{name} eq {term}")
    return " and ".join((terms[False] or terms[True])[:MOST_TERMS])


def _days(endpoint: Endpoint, fields: Mapping[str, Any]) -> Iterator[str]:
    """List all dates in a document."""
    for name, value in fields.items():
        item = endpoint.properties[name]
        if isinstance(value, list):
            lines = catalogue.load().endpoints[item.entity or endpoint.id]
            for line in value:
                yield from _days(lines, line)
        elif item.type == "Edm.DateTime" and value:
            yield str(value)
