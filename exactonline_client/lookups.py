"""Look up the keys of rows by code or name, many in one call, with a cache in the store.

Matches are cached in the store for some hours, under a hash of the value. Misses are not cached:
the row may be created a minute later. For many values of a list, reading its pages is cheaper than
filtering: a page of a bulk list has 1,000 rows, a filter takes about 100 codes. At most as many
pages are read as filters would take calls, so the cost is at most twice that of the cheaper way.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from exactonline_client import catalogue
from exactonline_client.errors import AccessDenied, RequestRefused
from exactonline_client.http import pagination
from exactonline_client.odata.query import MAX_URL, any_of, match_all, url
from exactonline_client.odata.refused_query import is_about_query
from exactonline_client.store.digests import Digests
from exactonline_client.store.engine import in_parts, retry_on_lost_connection
from exactonline_client.store.tables import lookups, postings
from exactonline_client.store.unsupported import RefusedOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from exactonline_client.catalogue import Endpoint
    from exactonline_client.http.session import Session
    from exactonline_client.odata.decoding import Row
    from exactonline_client.store.store import Store

logger = logging.getLogger(__name__)

CODE = "Code"
"""A column with unique values: a match on one page is the only one."""
TITLES = ("Code", "Name", "FullName", "Description")
"""Columns that describe a row to a person."""
WIDTHS = {("crm/Accounts", "Code"): 18}
"""Columns padded with leading spaces to this width; a filter must pad its values too."""
WIDTHS_BEHIND = {("logistics/Units", "Code"): 8, ("vat/VATCodes", "Code"): 3}
"""Columns padded with trailing spaces."""
MAX_TERMS = 60
"""Maximum of values in a filter of a plain list, whose pages have 60 rows."""
MAX_STORED = 100_000
"""Maximum of cached values for a division."""
BULK = "bulk $filter"
HOUR = 3600.0


class Match(msgspec.Struct, frozen=True):
    """A row that matches a value."""

    key: str
    value: str
    """The value, as Exact Online spells it."""
    title: str
    """Code and name, as far as known."""


Matches = dict[str, "list[Match]"]


class _List(msgspec.Struct):
    """The list of an endpoint, as far as this run has read it."""

    endpoint: Endpoint
    """The endpoint to call: the bulk twin if there is one."""
    asked: int = 0
    """Calls spent on filters."""
    read: int = 0
    """Calls spent on pages."""
    next_address: str | None = None
    complete: bool = False


@dataclass
class Lookups:
    """Looks up rows of one division."""

    session: Session
    store: Store
    app: str
    division: int
    hours: float = 24
    """Hours a cached match is valid; 0 to cache in memory only."""
    clock: Callable[[], float] = time.time
    max_stored: int = MAX_STORED
    """Maximum of cached values in the store."""
    _known: dict[tuple[str, str], Matches] = field(default_factory=lambda: defaultdict(dict))
    """Matches in memory: by endpoint and column, then by normalised value."""
    _lists: dict[str, _List] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Open the stored refusals and hashes of the division."""
        self._refused = RefusedOptions(self.store, self.app, self.division, self.clock)
        self._digests = Digests(self.store)

    def find(
        self, endpoint: str, column: str, values: Iterable[str], pages_first: int = 0
    ) -> Matches:
        """Find the rows whose column has one of the values; values without a row are left out.

        Ignores case and surrounding spaces.

        Args:
            endpoint: id of a plain endpoint, such as `crm/Accounts`.
            column: text column, such as `Code`.
            values: values to find.
            pages_first: for a short list, number of pages to read (once per run) before the
                remaining values are filtered for.

        Returns:
            The matches by value, spelled as in `values`.

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
        """Read up to `most` pages of a list; return the values that may be on later pages."""
        cached = self._list(endpoint)
        while not cached.complete and cached.read < most:
            self._read_page(endpoint, column, cached)
        return [] if cached.complete else self._missing(self._known[endpoint, column], values)

    def listed(self, endpoint: str, column: str) -> list[str]:
        """Return the known values of a column, sorted, as Exact Online spells them."""
        known = self._known[endpoint, column].values()
        return sorted(matches[0].value for matches in known)

    def is_complete(self, endpoint: str) -> bool:
        """Return whether this run has read the whole list."""
        return self._list(endpoint).complete

    def written(self, endpoint: str, source_keys: Sequence[str]) -> Matches:
        """Find rows in the journal that were copied from other divisions, by their source keys."""
        matches: Matches = {}
        for some in in_parts(source_keys):
            query = sa.select(postings.c.source_key, postings.c.exact_id).where(
                postings.c.app == self.app,
                postings.c.division == self.division,
                postings.c.entity == endpoint,
                postings.c.source_key.in_(some),
                postings.c.exact_id.is_not(None),
            )
            for source_key, key in self.store.read(query):
                matches[source_key] = [Match(key, source_key, key)]
        return matches

    def similar(self, endpoint: str, column: str, value: str) -> list[str]:
        """Return up to three values that are similar to one without a match.

        Raises:
            The errors of `Session.get`: it may read one page per run.
        """
        cached = self._list(endpoint)
        if column == CODE and not cached.read:
            self._read_page(endpoint, column, cached)
        known = self._known[endpoint, column]
        return [known[each][0].value for each in get_close_matches(_normalise(value), known)]

    def remember(self, endpoint: str, column: str, value: str, key: str) -> None:
        """Cache a row that was just created."""
        self._add_matches(endpoint, column, [Match(key, value.strip(), value.strip())])

    def forget(self, keys: Iterable[str]) -> None:
        """Remove rows from the cache because Exact Online rejected their keys."""
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
        """Load valid cache entries from the store."""
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

    @retry_on_lost_connection
    def purge(self) -> None:
        """Delete expired cache entries, and the oldest beyond `max_stored`."""
        mine = (lookups.c.app == self.app) & (lookups.c.division == self.division)
        newest = sa.select(lookups.c.at).where(mine).order_by(lookups.c.at.desc())
        beyond = newest.offset(self.max_stored).limit(1).scalar_subquery()
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
        """Add matches to memory, and to the store if their value is unique."""
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

    @retry_on_lost_connection
    def _replace(self, condition: sa.ColumnElement[bool], rows: Sequence[dict[str, Any]]) -> None:
        """Replace cache entries in the store."""
        with self.store.transaction() as transaction:
            transaction.execute(lookups.delete().where(condition))
            if rows:
                transaction.execute(lookups.insert(), rows)

    def _ask(self, endpoint: str, column: str, values: Sequence[str]) -> None:
        """Look up values in the bulk list; fall back to the plain list if it is refused."""
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
        """Look up values by reading pages or by filters, whichever takes fewer calls."""
        cached = self._list(endpoint)
        known = self._known[endpoint, column]
        allowed = cached.endpoint.filter_fields
        if allowed and column not in allowed:
            # The column cannot be filtered on: read the whole list, and again for new values.
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
        """Read the next page of a list."""
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
        """Build the fewest addresses that filter for all values within the URL limit."""
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
    """Pad a value to the fixed width of its column, as a filter requires."""
    key = endpoint, column
    return value.rjust(WIDTHS.get(key, 0)).ljust(WIDTHS_BEHIND.get(key, 0))


def _normalise(value: str) -> str:
    """Normalise a value for comparison; Exact Online ignores case."""
    return value.strip().casefold()


def _matches(endpoint: Endpoint, column: str, rows: Iterable[Row]) -> Iterator[Match]:
    for row in rows:
        key, value = row.get(endpoint.key[0]), str(row.get(column) or "").strip()
        if key and value:
            titles = (str(row.get(name) or "").strip() for name in TITLES)
            yield Match(str(key), value, " ".join(filter(None, titles)))
