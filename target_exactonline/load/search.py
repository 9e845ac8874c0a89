"""Search for documents at Exact Online, many in one call: by key, by reference, or by time."""

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
from exactonline_client.odata.refused_query import is_about_query
from target_exactonline.load.in_doubt import is_ahead
from target_exactonline.load.spelling import Spelling

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import requests

    from exactonline_client.catalogue import Endpoint
    from exactonline_client.connection import Connection
    from target_exactonline.load.case import Case
    from target_exactonline.mapping.model import Document

logger = logging.getLogger(__name__)

MOST_TERMS = 40
"""Terms in one filter of a plain list, whose rows fit one page of 60, unless some documents share a
reference."""
NOT_FOUND = 404
MARGIN = timedelta(minutes=10)
"""Largest difference between the clocks of Exact Online and of this machine."""
LONG_AGO = 86_400.0
"""Seconds since the epoch; earlier than any document."""
Row = dict[str, Any]
Columns = dict[str, list[str]]
"""Columns to select: of the document under an empty name, of its lines under the name of their
collection."""


@dataclass
class Search:
    """Searches for the documents of one endpoint in one division.

    Raises (every method):
        The errors of `Session.get`.
    """

    connection: Connection
    division: int
    endpoint: Endpoint
    reference_field: str | None
    """Property with the reference; None if there is none."""
    _refused: dict[str, bool] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The property that is the key of a document."""
        return self.endpoint.key[0]

    def look(self, cases: Sequence[Case[Document]], columns: Columns) -> None:
        """Find the documents of cases: by key, else by reference.

        Those that were sent without an answer are searched by key alone; see `Resemblance.lost`.
        """
        keys = [_key(case) for case in cases]
        known = [key for key in keys if key]
        by_key = self.by_key(known, columns) if known else {}
        others: list[Case[Document]] = []
        for case, key in zip(cases, keys, strict=True):
            if key in by_key:
                case.rows = [by_key[key]]
            elif not case.is_doubtful and not case.document.local:
                others.append(case)
        if not others:
            return
        by_reference = self.by_reference([case.name for case in others], columns)
        for case in others:
            case.rows = None if by_reference is None else by_reference.get(case.name, [])

    def by_reference(
        self, references: Sequence[str], columns: Columns | None = None, *, prompt: bool = False
    ) -> dict[str, list[Row]] | None:
        """Find documents by their references.

        Args:
            references: those to search for.
            columns: what to read of each document besides its key and reference.
            prompt: ask the list that documents are written to, not its bulk twin.

        Returns:
            Documents by reference; None if this endpoint cannot be searched that way.
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
        groups: dict[str, list[Row]] = {}
        for row in rows:
            groups.setdefault(str(row.get(name) or "").strip(), []).append(row)
        return groups

    def by_key(self, keys: Sequence[str], columns: Columns) -> dict[str, Row]:
        """Find documents by their keys; those that were deleted are absent."""
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
        """Read a document from its own address; None if it was deleted."""
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
        """List the columns to select of the documents themselves."""
        names = [self.key, *filter(None, [self.reference_field]), *columns.get("", [])]
        return list(dict.fromkeys(names))

    def lost(
        self, document: Document, sent_at: float, columns: Columns | None = None
    ) -> list[Row] | None:
        """Find a document that was sent without an answer, by its reference.

        If the endpoint cannot be searched by it, the documents made since are read, or those of the
        same relation and day, and their references compared here.

        Returns:
            None if there is no way to search for it.
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

    def made_since(self, time: float, reference: str) -> list[Row] | None:
        """Find the documents with a reference that were created or changed since a time.

        If none has it to the letter, those are found that may hold it in another spelling.

        Returns:
            None if this endpoint cannot be searched that way.
        """
        condition = self.since(time)
        if self.reference_field is None or not condition:
            return None
        rows = self._by(self.reference_field, self.matching(condition, {}))
        similar = [text for text in rows if Spelling().may_be(reference, text)]
        return rows.get(reference) or [row for text in similar for row in rows[text]]

    def matching(
        self,
        condition: str,
        columns: Columns,
        endpoint: Endpoint | None = None,
        select: Sequence[str] = (),
    ) -> list[Row]:
        """Read the documents that meet a condition, without lines; or rows of another endpoint."""
        path = (endpoint or self.endpoint).uri.format(division=self.division)
        names = ",".join(select or self._own(columns))
        return list(self._pages(url(path, {"$filter": condition, "$select": names})))

    def since(self, sent_at: float) -> str | None:
        """Make a condition for documents created or changed since a time; None if it cannot be."""
        name = next((n for n in ("Created", "Modified") if self.may_filter(n)), None)
        if name is None:
            return None
        if is_ahead(sent_at, self.connection.clock()):
            sent_at = LONG_AGO
        since = datetime.fromtimestamp(sent_at, timezone.utc)
        # In the hour that clocks repeat in autumn, an earlier time can have a later wall time.
        walls = [
            (time.astimezone(self.connection.zone).replace(tzinfo=None), time)
            for time in (since - MARGIN, since)
        ]
        earliest = min(walls[0][0], walls[1][0] - MARGIN)
        return f"{name} ge {literal(earliest, 'Edm.DateTime')}"

    def alike(self, document: Document) -> str | None:
        """Make a condition for documents of the same relation and day; None if it cannot be."""
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
        """Read all rows whose `name` has one of the values, with the lines in `columns`."""
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
        """Read rows from the bulk twin, whose pages are longer; None if that saves no call."""
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
        """Read rows with their lines: by `$expand` if it works, else from their own list."""
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
        """List the rows of a collection inside a row, with those on its further pages."""
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
        """Read the rows of an endpoint whose `name` has one of the values, in the fewest calls."""
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
        """Make the fewest addresses for all values, none with more than `most` of them."""
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

    def several(self, rows: Sequence[Row]) -> str | None:
        """Describe documents that share a reference; None for one alone."""
        if len(rows) == 1:
            return None
        keys = ", ".join(str(row[self.key]) for row in rows)
        return f"{len(rows)} documents at Exact Online carry this reference: {keys}"

    def is_refused(self, option: str) -> bool:
        """Whether the endpoint has refused an option lately."""
        if option not in self._refused:
            refused = self.connection.refused_in(self.division)
            self._refused[option] = refused.holds(self.endpoint.id, option)
        return self._refused[option]

    def refuse(self, option: str, *, lasting: bool = True) -> None:
        """Do without an option in this run, and if `lasting` in later ones."""
        self._refused[option] = True
        if lasting:
            self.connection.refused_in(self.division).remember(self.endpoint.id, option)


def _key(case: Case[Document]) -> str | None:
    return (case.posting.exact_id if case.posting else None) or case.document.exact_id


def _is_lasting(refusal: ExactOnlineError) -> bool:
    """Whether an option is refused for good, not for a passing fault or a lack of rights."""
    if isinstance(refusal, RequestRefused):
        return is_about_query(refusal)
    return isinstance(refusal, UnexpectedAnswer)
