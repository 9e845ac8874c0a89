"""Looking for documents at Exact Online, many in one call: by reference, by key, or by time."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from exactonline_client import catalogue, lookups
from exactonline_client.errors import (
    AccessDenied,
    ExactOnlineError,
    RequestRefused,
    UnexpectedAnswer,
    Unreadable,
)
from exactonline_client.http import pagination
from exactonline_client.odata.literals import literal
from exactonline_client.odata.query import MAX_URL, any_of, url
from exactonline_client.store.unsupported import is_about_query
from target_exactonline.load.in_doubt import is_ahead
from target_exactonline.load.spelling import Spelling

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import requests

    from exactonline_client.catalogue import Endpoint
    from exactonline_client.connection import Connection
    from target_exactonline.mapping.model import Document

logger = logging.getLogger(__name__)

MOST_TERMS = 40
"""Terms in one filter of a plain list: all that they find fits one page of 60 rows, unless some
documents share a reference."""
NOT_FOUND = 404
MARGIN = timedelta(minutes=10)
"""How far the clocks of Exact Online and of this machine may be apart."""
LONG_AGO = 86_400.0
"""Seconds since the epoch: before anything was made."""
Row = dict[str, Any]
Columns = dict[str, list[str]]
"""The columns that are asked for: of the document under an empty name, of its lines under the name
of their collection."""


@dataclass
class Search:
    """Looks for the documents of one endpoint in one division.

    Raises (every method):
        The errors of `Session.get`.
    """

    connection: Connection
    division: int
    endpoint: Endpoint
    reference_field: str | None
    """What documents are searched by; None where there is nothing."""
    _refused: dict[str, bool] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The property that identifies a document."""
        return self.endpoint.key[0]

    def by_reference(
        self, references: Sequence[str], columns: Columns | None = None, *, prompt: bool = False
    ) -> dict[str, list[Row]] | None:
        """The documents that carry a reference, for the references that were found.

        Args:
            references: what to look for.
            columns: what to read of each document besides its key and reference.
            prompt: ask the very list that documents are written to, also where another one would
                answer more at once.

        Returns:
            None where this endpoint cannot be searched that way.
        """
        name = self.reference_field
        option = f"$filter={name}"
        if name is None or self.is_refused(option):
            return None
        values = [lookups.padded(self.endpoint.id, name, value) for value in references]
        try:
            rows = self._rows(name, values, columns or {}, bulk=not prompt)
        except RequestRefused as refusal:
            if not is_about_query(refusal) or name in self.endpoint.filter_fields:
                raise
            logger.info("%s Documents are searched by other fields.", refusal)
            self.refuse(option)
            return None
        return self._by(name, rows)

    @staticmethod
    def _by(name: str, rows: Sequence[Row]) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = {}
        for row in rows:
            found.setdefault(str(row.get(name) or "").strip(), []).append(row)
        return found

    def by_key(self, keys: Sequence[str], columns: Columns) -> dict[str, Row]:
        """The documents with these keys, by key; those that are no more are absent."""
        option = f"$filter={self.key}"
        if not self.is_refused(option):
            try:
                rows = self._rows(self.key, keys, columns, bulk=False)
            except RequestRefused as refusal:
                if not is_about_query(refusal):
                    raise
                logger.info("%s Reading one by one instead.", refusal)
                self.refuse(option)
            else:
                return {str(row.get(self.key)): row for row in rows}
        found = {key: self._one(key, columns) for key in keys}
        return {key: row for key, row in found.items() if row is not None}

    def _one(self, key: str, columns: Columns) -> Row | None:
        """The document with a key, from its own address; None where it is no more."""
        named = literal(key, self.endpoint.properties[self.key].type)
        select = ",".join(self._own(columns))
        address = url(f"{self._path()}({named})", {"$select": select})
        try:
            row = self.connection.session.read(address, self.division, self._document)
        except RequestRefused as refusal:
            if refusal.status == NOT_FOUND:
                return None
            raise
        row[self.key] = key
        for collection, wanted in columns.items():
            if collection:
                self._add_lines([row], collection, wanted)
        return row

    def _document(self, answer: requests.Response) -> Row:
        row = pagination.content(answer.content)
        if not isinstance(row, dict):
            raise UnexpectedAnswer(
                f"{self.endpoint.name}: a document was asked for, and something else came."
            )
        return row

    def _own(self, columns: Columns) -> list[str]:
        """What is asked of the documents themselves."""
        names = [self.key, *filter(None, [self.reference_field]), *columns.get("", [])]
        return list(dict.fromkeys(names))

    def lost(
        self, document: Document, sent_at: float, columns: Columns | None = None
    ) -> list[Row] | None:
        """The documents that may be one that was sent without an answer.

        Where they cannot be searched by reference, those made since are read, or those of the same
        relation and day, and their references compared here.

        Returns:
            None where there is no way to look for it.
        """
        if document.local:
            return None
        found = self.by_reference([document.reference or ""], columns, prompt=True)
        if found is not None:
            return found.get(document.reference or "", [])
        condition = self.since(sent_at) or self.alike(document)
        if self.reference_field is None or not condition:
            return None
        by_text = self._by(self.reference_field, self.matching(condition, columns or {}))
        rows = by_text.get(document.reference or "", [])
        for collection, wanted in (columns or {}).items():
            if collection:
                self._add_lines(rows, collection, wanted)
        return rows

    def made_since(self, moment: float, reference: str) -> list[Row] | None:
        """The documents with a reference that were made, or changed, since a moment.

        Where none has it to the letter, those are given that may hold it in another spelling.

        Returns:
            None where this endpoint cannot be searched that way.
        """
        condition = self.since(moment)
        if self.reference_field is None or not condition:
            return None
        found = self._by(self.reference_field, self.matching(condition, {}))
        near = [text for text in found if Spelling().may_be(reference, text)]
        return found.get(reference) or [row for text in near for row in found[text]]

    def matching(
        self,
        condition: str,
        columns: Columns,
        endpoint: Endpoint | None = None,
        select: Sequence[str] = (),
    ) -> list[Row]:
        """The documents that meet a condition, without their lines; or rows of another endpoint."""
        path = (endpoint or self.endpoint).uri.format(division=self.division)
        names = ",".join(select or self._own(columns))
        return list(self._pages(url(path, {"$filter": condition, "$select": names})))

    def since(self, sent_at: float) -> str | None:
        """A condition for what was made, or changed, since a moment; None where there is none."""
        name = next((n for n in ("Created", "Modified") if self.may_filter(n)), None)
        if name is None:
            return None
        if is_ahead(sent_at, self.connection.clock()):
            sent_at = LONG_AGO
        moment = datetime.fromtimestamp(sent_at, timezone.utc)
        # In the hour that clocks repeat in autumn, an earlier moment can have a later wall time.
        walls = [
            (time.astimezone(self.connection.zone).replace(tzinfo=None), time)
            for time in (moment - MARGIN, moment)
        ]
        earliest = min(walls[0][0], walls[1][0] - MARGIN)
        return f"{name} ge {literal(earliest, 'Edm.DateTime')}"

    def alike(self, document: Document) -> str | None:
        """A condition for what is of the same relation and day; None where there is none."""
        terms = []
        for name in ("OrderedBy", "Customer", "Supplier", "Account", "EntryDate"):
            value = document.fields.get(name)
            # A dry run has words in place of the key of a row that it does not create.
            if isinstance(value, str) and " " not in value and self.may_filter(name):
                edm = self.endpoint.properties[name].type
                terms.append(f"{name} eq {literal(value, edm)}")
        return " and ".join(terms) or None

    def may_filter(self, name: str) -> bool:
        """Whether the documentation allows a property in a filter, or does not say."""
        allowed = self.endpoint.filter_fields
        return name in self.endpoint.columns and (not allowed or name in allowed)

    def _rows(self, name: str, values: Sequence[str], columns: Columns, *, bulk: bool) -> list[Row]:
        """All rows whose `name` has one of the values, with the lines that were asked for."""
        own = self._own(columns)
        lines = {name: wanted for name, wanted in columns.items() if name}
        if bulk and not lines:
            rows = self._from_bulk(name, values, own)
            if rows is not None:
                return rows
        if not lines:
            return list(self.where(self.endpoint, name, values, own))
        return self._with_lines(name, values, own, lines)

    def _from_bulk(self, name: str, values: Sequence[str], own: list[str]) -> list[Row] | None:
        """Rows from the bulk twin, whose pages are longer; None where that is no help."""
        option = f"bulk $filter={name}"
        if len(values) <= MOST_TERMS or not self.endpoint.bulk_twin or self.is_refused(option):
            return None
        twin = catalogue.load().endpoints[self.endpoint.bulk_twin]
        addresses = list(self._addresses(twin, name, values, own, most=len(values)))
        if len(addresses) * MOST_TERMS >= len(values):
            # Long references fill an address with fewer terms than a page has rows.
            return None
        try:
            return [row for address in addresses for row in self._pages(address)]
        except (AccessDenied, RequestRefused) as refusal:
            logger.info("%s Asking the plain list instead.", refusal)
            self.refuse(option, lasting=_is_lasting(refusal))
            return None

    def _with_lines(
        self, name: str, values: Sequence[str], own: list[str], lines: Columns
    ) -> list[Row]:
        """Rows with their lines, in one go where that is honoured, else from their own list."""
        refusal: ExactOnlineError | None = None
        if not self.is_refused("$expand"):
            inner = [f"{of}/{column}" for of, wanted in lines.items() for column in wanted]
            try:
                rows = list(self.where(self.endpoint, name, values, [*own, *inner], list(lines)))
                for row in rows:
                    row.update({of: self._whole(row.get(of)) for of in lines})
            except (RequestRefused, UnexpectedAnswer, Unreadable) as error:
                refusal = error
            else:
                return rows
        rows = list(self.where(self.endpoint, name, values, own))
        if refusal:
            # The same without $expand is fine.
            logger.info("%s Reading lines from their own list.", refusal)
            self.refuse("$expand", lasting=_is_lasting(refusal))
        for of, wanted in lines.items():
            self._add_lines(rows, of, wanted)
        return rows

    def _whole(self, collection: object) -> list[Row]:
        """The rows of a collection inside a row, those on further pages of it included."""
        page = pagination.collection(collection)
        if page is None:
            raise UnexpectedAnswer("The lines of a document were asked for, and did not come.")
        more = list(self._pages(page.next_address)) if page.next_address else []
        return [*page.rows, *more]

    def _add_lines(self, rows: list[Row], collection: str, wanted: list[str]) -> None:
        item = self.endpoint.properties[collection]
        parent = item.field or self.key
        by_parent: dict[str, list[Row]] = {str(row[self.key]): [] for row in rows}
        if by_parent:
            endpoint = catalogue.load().endpoints[item.entity or ""]
            select = list(dict.fromkeys([parent, *wanted]))
            for line in self.where(endpoint, parent, list(by_parent), select):
                by_parent.setdefault(str(line.get(parent)), []).append(line)
        for row in rows:
            row[collection] = by_parent[str(row[self.key])]

    def where(
        self,
        endpoint: Endpoint,
        name: str,
        values: Sequence[str],
        select: Sequence[str],
        expand: Sequence[str] = (),
    ) -> Iterator[Row]:
        """The rows of an endpoint whose `name` has one of the values, in as few calls as do."""
        for address in self._addresses(endpoint, name, values, select, expand):
            yield from self._pages(address)

    def _addresses(  # noqa: PLR0913, PLR0917
        self,
        endpoint: Endpoint,
        name: str,
        values: Sequence[str],
        select: Sequence[str],
        expand: Sequence[str] = (),
        most: int = MOST_TERMS,
    ) -> Iterator[str]:
        """As few addresses as ask for all values, none with more than `most` of them."""
        path = endpoint.uri.format(division=self.division)
        options = {"$select": ",".join(select), "$expand": ",".join(expand)}

        def address(condition: str) -> str:
            return url(path, {"$filter": condition, **options})

        room = MAX_URL - len(self.connection.session.base_url) - len(address(" "))
        edm = endpoint.properties[name].type
        yield from map(address, any_of(name, edm, values, room, most=most))

    def _pages(self, address: str) -> Iterator[Row]:
        for page in self.connection.pages(address, self.division):
            yield from page.rows

    def _path(self) -> str:
        return self.endpoint.uri.format(division=self.division)

    def is_refused(self, option: str) -> bool:
        """Whether the endpoint has refused an option lately."""
        if option not in self._refused:
            refused = self.connection.refused_in(self.division)
            self._refused[option] = refused.holds(self.endpoint.id, option)
        return self._refused[option]

    def refuse(self, option: str, *, lasting: bool = True) -> None:
        """Do without an option in this run, and in those to come where that is `lasting`."""
        self._refused[option] = True
        if lasting:
            self.connection.refused_in(self.division).remember(self.endpoint.id, option)


def _is_lasting(refusal: ExactOnlineError) -> bool:
    """Whether an option is refused for good: no fault of the moment, no want of rights."""
    if isinstance(refusal, RequestRefused):
        return is_about_query(refusal)
    return isinstance(refusal, UnexpectedAnswer)
