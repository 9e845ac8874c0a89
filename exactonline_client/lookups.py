"""Finding the keys of rows by their codes or names: many in one call, and seldom twice.

What is found is kept in the store for some hours, under a hash of what it was found by; what is not
found is never kept, since it may be created the next minute. Where much is asked of a list, reading
it is cheaper than asking: a page of a bulk list brings a thousand rows, a filter has room for about
a hundred codes. No more pages are read than calls would be spent on asking, so that it never costs
more than twice the cheaper way.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from exactonline_client import catalogue
from exactonline_client.errors import AccessDenied, RequestRefused
from exactonline_client.http import pagination
from exactonline_client.odata.query import MAX_URL, any_of, match_all, url
from exactonline_client.store.digests import Digests
from exactonline_client.store.engine import in_parts, patient
from exactonline_client.store.tables import lookups, postings
from exactonline_client.store.unsupported import RefusedOptions, is_about_query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from exactonline_client.catalogue import Endpoint
    from exactonline_client.http.session import Session
    from exactonline_client.odata.decoding import Row
    from exactonline_client.store.store import Store

logger = logging.getLogger(__name__)

CODE = "Code"
"""The column of which no list has two alike, so that a part of the list is proof enough."""
TITLES = ("Code", "Name", "FullName", "Description")
"""Columns that tell a person which row it is."""
WIDTHS = {("crm/Accounts", "Code"): 18}
"""Texts that are kept with spaces in front, up to this width, and are only found so."""
WIDTHS_BEHIND = {("logistics/Units", "Code"): 8, ("vat/VATCodes", "Code"): 3}
"""The same of texts with spaces behind."""
MAX_TERMS = 60
"""Values in one filter of a plain list, whose pages have 60 rows."""
MAX_STORED = 100_000
"""Values of one division that the store holds."""
BULK = "bulk $filter"
HOUR = 3600.0


@dataclass(frozen=True)
class Match:
    """A row that was found."""

    key: str
    value: str
    """What it was found by, as Exact Online spells it."""
    title: str
    """Its code and name, as far as they are known."""


Matches = dict[str, "list[Match]"]


@dataclass
class _List:
    """The list of an endpoint, as far as it was read in this run."""

    endpoint: Endpoint
    """The one that is asked: the bulk twin where there is one."""
    asked: int = 0
    """Calls that were spent on filters."""
    read: int = 0
    """Calls that were spent on pages."""
    next_address: str | None = None
    complete: bool = False


@dataclass
class Lookups:
    """Finds rows of one division."""

    session: Session
    store: Store
    app: str
    division: int
    hours: float = 24
    """How long what was found is believed; 0 for this run only, which leaves the store alone."""
    clock: Callable[[], float] = time.time
    _known: dict[tuple[str, str], Matches] = field(default_factory=lambda: defaultdict(dict))
    """What this run knows: by endpoint and column, then by value in whatever case."""
    _lists: dict[str, _List] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """What is refused is remembered for the division."""
        self._refused = RefusedOptions(self.store, self.app, self.division, self.clock)
        self._digests = Digests(self.store)

    def find(
        self, endpoint: str, column: str, values: Iterable[str], pages_first: int = 0
    ) -> Matches:
        """The rows whose column has one of these values, by value; values without are absent.

        Case and the spaces around a value do not count.

        Args:
            endpoint: id of a plain endpoint, such as `crm/Accounts`.
            column: a text of its rows, such as `Code`.
            values: what to look for.
            pages_first: of a short list, how many pages of it are read, once in a run, before it
                is asked for what they lack.

        Raises:
            The errors of `Session.get`.
        """
        asked = list(values)
        known = self._known[endpoint, column]
        self._load_stored(endpoint, column, self._missing(known, asked))
        missing = self._missing(known, asked)
        if missing and pages_first:
            missing = self._read_list(endpoint, column, missing, pages_first)
        if missing:
            self._ask(endpoint, column, missing)
        return {value: known[_normalise(value)] for value in asked if _normalise(value) in known}

    def _read_list(self, endpoint: str, column: str, values: Sequence[str], most: int) -> list[str]:
        """Read a list up to `most` pages; which of the values are still to be asked for."""
        cached = self._list(endpoint)
        while not cached.complete and cached.read < most:
            self._read_page(endpoint, column, cached)
        return [] if cached.complete else self._missing(self._known[endpoint, column], values)

    def listed(self, endpoint: str, column: str) -> list[str]:
        """The values of a column that are known, as Exact Online spells them."""
        known = self._known[endpoint, column].values()
        return sorted(matches[0].value for matches in known)

    def is_complete(self, endpoint: str) -> bool:
        """Whether all of a list was read in this run."""
        return self._list(endpoint).complete

    def written(self, endpoint: str, source_keys: Sequence[str]) -> Matches:
        """The rows that were written to this division from rows of others, by the keys of those."""
        found: Matches = {}
        for some in in_parts(source_keys):
            query = sa.select(postings.c.source_key, postings.c.exact_id).where(
                postings.c.app == self.app,
                postings.c.division == self.division,
                postings.c.entity == endpoint,
                postings.c.source_key.in_(some),
                postings.c.exact_id.is_not(None),
            )
            for source_key, key in self.store.read(query):
                found[source_key] = [Match(key, source_key, key)]
        return found

    def similar(self, endpoint: str, column: str, value: str) -> list[str]:
        """Up to three values that look like one that was not found.

        Raises:
            The errors of `Session.get`: a page may be read, once in a run.
        """
        cached = self._list(endpoint)
        if column == CODE and not cached.read:
            self._read_page(endpoint, column, cached)
        known = self._known[endpoint, column]
        return [known[each][0].value for each in get_close_matches(_normalise(value), known)]

    def remember(self, endpoint: str, column: str, value: str, key: str) -> None:
        """Note a row that was just created."""
        self._add_matches(endpoint, column, [Match(key, value.strip(), value.strip())])

    def forget(self, keys: Iterable[str]) -> None:
        """Believe no longer in these rows: Exact Online would not take their keys."""
        gone = set(keys)
        for known in self._known.values():
            for value, matches in list(known.items()):
                if gone & {match.key for match in matches}:
                    del known[value]
        for some in in_parts(list(gone)):
            mine = (lookups.c.app == self.app) & (lookups.c.division == self.division)
            self._replace(mine & lookups.c.exact_id.in_(some), [])

    @staticmethod
    def _missing(known: Matches, values: Iterable[str]) -> list[str]:
        wanted = {_normalise(value): value.strip() for value in values}
        return [value for each, value in wanted.items() if each not in known]

    def _load_stored(self, endpoint: str, column: str, values: Sequence[str]) -> None:
        """Take from the store what is young enough."""
        known = self._known[endpoint, column]
        for some in in_parts(values if self.hours > 0 else []):
            hashed = {
                digest: value
                for value in some
                for digest in self._digests.known(endpoint, column, _normalise(value))
            }
            query = sa.select(lookups.c.value_hash, lookups.c.exact_id).where(
                self._mine(endpoint, column),
                lookups.c.value_hash.in_(hashed),
                lookups.c.at > self.clock() - self.hours * HOUR,
            )
            for digest, key in self.store.read(query):
                value = hashed[digest]
                known[_normalise(value)] = [Match(key, value, value)]

    @patient
    def purge(self) -> None:
        """Remove from the store what is believed no longer, and what is too much."""
        mine = (lookups.c.app == self.app) & (lookups.c.division == self.division)
        newest = sa.select(lookups.c.at).where(mine).order_by(lookups.c.at.desc())
        beyond = newest.offset(MAX_STORED).limit(1).scalar_subquery()
        old = lookups.c.at <= self.clock() - self.hours * HOUR
        with self.store.transaction() as transaction:
            transaction.execute(lookups.delete().where(mine, old | (lookups.c.at <= beyond)))

    def _mine(self, endpoint: str, column: str) -> sa.ColumnElement[bool]:
        return sa.and_(
            lookups.c.app == self.app,
            lookups.c.division == self.division,
            lookups.c.entity == endpoint,
            lookups.c.field == column,
        )

    def _add_matches(self, endpoint: str, column: str, matches: Iterable[Match]) -> None:
        """Take rows into what is known, and into the store where one value means one row."""
        known = self._known[endpoint, column]
        fresh: Matches = {}
        for match in matches:
            same = fresh.setdefault(_normalise(match.value), [])
            if match.key not in {each.key for each in same}:
                same.append(match)
        known |= fresh
        if not self.hours:
            return
        kept = {
            self._digests.of(endpoint, column, value): match.key
            for value, (match, *others) in fresh.items()
            if not others
        }
        same_for_all = {
            "app": self.app,
            "division": self.division,
            "entity": endpoint,
            "field": column,
            "at": self.clock(),
        }
        for some in in_parts(list(kept)):
            rows = [{**same_for_all, "value_hash": each, "exact_id": kept[each]} for each in some]
            mine = self._mine(endpoint, column) & lookups.c.value_hash.in_(some)
            self._replace(mine, rows)

    @patient
    def _replace(self, condition: sa.ColumnElement[bool], rows: Sequence[dict[str, Any]]) -> None:
        """Put rows in the store in the place of others."""
        with self.store.transaction() as transaction:
            transaction.execute(lookups.delete().where(condition))
            if rows:
                transaction.execute(lookups.insert(), rows)

    def _ask(self, endpoint: str, column: str, values: Sequence[str]) -> None:
        """Find values in the list that brings most rows, or else in the plain one."""
        try:
            self._ask_list(endpoint, column, values)
        except (AccessDenied, RequestRefused) as refusal:
            if self._list(endpoint).endpoint.kind != "bulk":
                raise
            logger.info("%s Asking the plain list instead.", refusal)
            if isinstance(refusal, RequestRefused) and is_about_query(refusal):
                self._refused.remember(endpoint, BULK)
            self._lists[endpoint] = _List(catalogue.load().endpoints[endpoint])
            self._ask_list(endpoint, column, values)

    def _list(self, endpoint: str) -> _List:
        if endpoint not in self._lists:
            facts = catalogue.load().endpoints
            twin = facts[endpoint].bulk_twin
            if twin and self._refused.holds(endpoint, BULK):
                twin = None
            self._lists[endpoint] = _List(facts[twin or endpoint])
        return self._lists[endpoint]

    def _ask_list(self, endpoint: str, column: str, values: Sequence[str]) -> None:
        """Find values by reading the list or by asking for them, whichever costs less."""
        cached = self._list(endpoint)
        known = self._known[endpoint, column]
        allowed = cached.endpoint.filter_fields
        if allowed and column not in allowed:
            # Nothing is left but to read all of it, and again where something is new.
            self._lists[endpoint] = cached = _List(cached.endpoint)
            while not cached.complete:
                self._read_page(endpoint, column, cached)
            return
        if cached.endpoint.kind == "bulk" and column == CODE:
            missing = values
            while (
                missing
                and not cached.complete
                and cached.read < cached.asked + self._calls(endpoint, column, missing) - 1
            ):
                self._read_page(endpoint, column, cached)
                missing = self._missing(known, values)
            values = missing
        for address in self._addresses(endpoint, column, values):
            cached.asked += 1
            rows = [
                row
                for page in pagination.read(self.session, address, self.division)
                for row in page.rows
            ]
            self._add_matches(endpoint, column, _matches(cached.endpoint, column, rows))

    def _calls(self, endpoint: str, column: str, values: Sequence[str]) -> int:
        return sum(1 for _ in self._addresses(endpoint, column, values))

    def _read_page(self, endpoint: str, column: str, cached: _List) -> None:
        """Read one more page of a list."""
        address = cached.next_address or self._address(
            cached.endpoint, column, match_all(cached.endpoint, self.division)
        )
        page = next(pagination.read(self.session, address, self.division))
        cached.read += 1
        cached.next_address = page.next_address
        cached.complete = page.next_address is None
        self._add_matches(endpoint, column, _matches(cached.endpoint, column, page.rows))

    def _address(self, endpoint: Endpoint, column: str, condition: str | None) -> str:
        titles = [name for name in TITLES if name in endpoint.columns]
        names = ",".join(dict.fromkeys([endpoint.key[0], column, *titles[:2]]))
        path = endpoint.uri.format(division=self.division)
        return url(path, {"$filter": condition, "$select": names})

    def _addresses(self, endpoint: str, column: str, values: Sequence[str]) -> Iterator[str]:
        """As few addresses as will ask for all values, none of them too long."""
        asked = self._list(endpoint).endpoint
        room = MAX_URL - len(self.session.base_url) - len(self._address(asked, column, " "))
        filters = any_of(
            column,
            asked.columns[column].type,
            (padded(endpoint, column, value) for value in values),
            room,
            most=None if asked.kind == "bulk" else MAX_TERMS,
        )
        for condition in filters:
            yield self._address(asked, column, condition)


def padded(endpoint: str, column: str, value: str) -> str:
    """A value as a filter on this column has to name it."""
    key = endpoint, column
    return value.rjust(WIDTHS.get(key, 0)).ljust(WIDTHS_BEHIND.get(key, 0))


def _normalise(value: str) -> str:
    """What equal values have in common: Exact Online tells no upper from lower case."""
    return value.strip().casefold()


def _matches(endpoint: Endpoint, column: str, rows: Iterable[Row]) -> Iterator[Match]:
    for row in rows:
        key, value = row.get(endpoint.key[0]), str(row.get(column) or "").strip()
        if key and value:
            titles = (str(row.get(name) or "").strip() for name in TITLES)
            yield Match(str(key), value, " ".join(filter(None, titles)))
