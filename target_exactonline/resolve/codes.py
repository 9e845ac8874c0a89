"""Check codes (journals, VAT codes, currencies ...) against the short lists of Exact Online.

A list is read once per run, and only if a record has a code that is not cached in the store.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from exactonline_client.errors import (
    AccessDenied,
    ErrorLimitReached,
    RequestRefused,
    Unavailable,
    UnexpectedAnswer,
)
from exactonline_client.lookups import CODE
from exactonline_client.store.unsupported import DAY
from target_exactonline.mapping.model import RelatedRow
from target_exactonline.schema.references import LISTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from exactonline_client.lookups import Lookups, Matches
    from exactonline_client.store.unsupported import RefusedOptions
    from target_exactonline.load.planned import Planned
    from target_exactonline.mapping.model import Document

logger = logging.getLogger(__name__)

LIST_OF = {name: endpoint for endpoint, names in LISTS.items() for name in names}
MAX_PAGES = 2
"""Pages to read of a list; codes that these lack are filtered for."""
MAX_NAMED = 20
"""Maximum of codes that a problem lists."""
CODE_LIST = "codes"
"""Option under which a refused list is stored in `RefusedOptions`."""
UNCHECKED = "Division %s: %s; codes of %s are sent unchecked."


@dataclass
class Codes:
    """Checks codes against the lists of a division."""

    lookups: Lookups
    refused: RefusedOptions
    planned: Planned
    _unread: set[str] = field(default_factory=set)
    """Lists that cannot be read."""

    def check(self, documents: Iterable[Document]) -> None:
        """Add a problem to each document with a code that is not in its list.

        Raises:
            The errors of `Session.get` that are not about one list.
        """
        self.check_all(
            (document.problems, LIST_OF[name], path, code)
            for document in documents
            for name, path, code in _codes(document.fields, "")
        )

    def check_all(self, codes: Iterable[tuple[list[str], str, str, str]]) -> None:
        """Add a problem for each code that is not in its list.

        Args:
            codes: where to add the problem, endpoint of the list, path in the record, code.

        Raises:
            The errors of `Session.get` that are not about one list.
        """
        by_list: dict[str, list[tuple[list[str], str, str]]] = {}
        for problems, endpoint, path, code in codes:
            by_list.setdefault(endpoint, []).append((problems, path, code))
        for endpoint, uses in by_list.items():
            self._check(endpoint, uses)

    def _check(self, endpoint: str, uses: list[tuple[list[str], str, str]]) -> None:
        codes = list(dict.fromkeys(code for _, _, code in uses))
        planned = self.planned.find(endpoint, CODE, codes)
        unplanned = [code for code in codes if code not in planned]
        known = self._find(endpoint, unplanned)
        wrong = {code for code in unplanned if known is not None and code not in known}
        sentences = {code: self._problem(endpoint, code) for code in wrong}
        for problems, path, code in uses:
            if code in sentences:
                problems.append(f"{path}: {sentences[code]}")

    def _find(self, endpoint: str, codes: list[str]) -> Matches | None:
        """Look up codes; return None if their list cannot be read, with a warning."""
        if endpoint in self._unread:
            return None
        matches, unread = self._look_up(endpoint, codes)
        if unread:
            self._unread.add(endpoint)
            logger.warning(UNCHECKED, self.lookups.division, unread.rstrip("."), endpoint)
            return None
        return matches

    def _look_up(self, endpoint: str, codes: list[str]) -> tuple[Matches, str]:
        """Look up codes; return the matches, or the reason their list cannot be read."""
        if self.refused.holds(endpoint, CODE_LIST, DAY):
            return {}, "its list was refused lately"
        try:
            matches = self.lookups.find(endpoint, CODE, codes, MAX_PAGES)
        except (ErrorLimitReached, Unavailable, UnexpectedAnswer) as error:
            # Unchecked codes are sent; Exact Online validates them.
            return {}, str(error)
        except (AccessDenied, RequestRefused) as error:
            self.refused.remember(endpoint, CODE_LIST)
            return {}, str(error)
        if codes and not self.lookups.listed(endpoint, CODE):
            # Without permission, a list may come empty.
            return {}, "its list came without a row"
        return matches, ""

    def _problem(self, endpoint: str, code: str) -> str:
        known = self.lookups.listed(endpoint, CODE)
        folded = {each.casefold(): each for each in known}
        similar = [folded[each] for each in get_close_matches(code.casefold(), folded)]
        named = list(dict.fromkeys([*similar, *known]))
        more = len(named) > MAX_NAMED or not self.lookups.is_complete(endpoint)
        shown = ", ".join([*named[:MAX_NAMED], *(["..."] if more else [])])
        return f"no row of {endpoint.rpartition('/')[2]} has Code {code!r} (there are: {shown})"


def _codes(fields: Mapping[str, Any], where: str) -> Iterator[tuple[str, str, str]]:
    """Yield the codes of a document: property, path and code."""
    for name, value in fields.items():
        if isinstance(value, list):
            for number, row in enumerate(value, start=1):
                yield from _codes(row, f"{where}{name}[{number}].")
        elif isinstance(value, RelatedRow):
            # Fields of a row to be created.
            yield from _codes(value.new or {}, f"{where}{name}.")
        elif name in LIST_OF and isinstance(value, str) and value.strip():
            yield name, where + name, value.strip()
