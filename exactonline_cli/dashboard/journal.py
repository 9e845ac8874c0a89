"""Search in the journal of writes: by text, outcome and division, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import sqlalchemy as sa

from exactonline_client.store.outcomes import STORED
from exactonline_client.store.postings import (
    COLUMNS,
    UNFINISHED,
    Posting,
    Wanted,
    beside,
    from_row,
)
from exactonline_client.store.tables import postings

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from exactonline_client.store.store import Store

PAGE_SIZE = 50
TO_SEND = "unfinished"
"""The filter for what a replay sends again."""

ORDER = (postings.c.reference, postings.c.division, postings.c.entity)
"""Among postings of one moment, so that pages do not overlap."""


@dataclass(frozen=True)
class Search:
    """What is looked for; empty for everything."""

    text: str = ""
    outcome: str = ""
    division: int | None = None
    page: int = 1

    @classmethod
    def of(cls, fields: Mapping[str, str]) -> Search:
        """Read the fields of an address; what cannot be is left out."""
        outcome = fields.get("outcome", "")
        return cls(
            text=fields.get("q", "").strip(),
            outcome=outcome if outcome in (TO_SEND, *STORED) else "",
            division=_number(fields.get("division", "")),
            page=max(_number(fields.get("page", "")) or 1, 1),
        )

    @property
    def outcomes(self) -> Collection[str] | None:
        """The outcomes in the journal; None for all."""
        if self.outcome == TO_SEND:
            return UNFINISHED
        return (self.outcome,) if self.outcome else None

    @property
    def is_narrowed(self) -> bool:
        """Whether anything is left out."""
        return bool(self.text or self.outcome or self.division is not None)

    def turned(self, page: int) -> str:
        """The address of another page of it."""
        fields = {"q": self.text, "outcome": self.outcome, "division": self.division, "page": page}
        return f"/postings?{urlencode({name: value for name, value in fields.items() if value})}"


@dataclass(frozen=True)
class Found:
    """A page of what was found."""

    search: Search
    postings: list[Posting]
    total: int

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return max(-(-self.total // PAGE_SIZE), 1)

    @property
    def first(self) -> int:
        """The place of the first posting shown."""
        return (self.search.page - 1) * PAGE_SIZE + 1


def _number(text: str) -> int | None:
    return (
        int(text) if text.isascii() and text.isdecimal() and len(text) < len("1000000000") else None
    )


def find(store: Store, apps: Collection[str], search: Search) -> Found:
    """Search the journal, the newest first; a page behind the last one is the last one."""
    wanted = Wanted(apps, search.division, outcomes=search.outcomes)
    condition = wanted.condition & _contains(search.text) if search.text else wanted.condition
    total = store.read(sa.select(sa.func.count()).select_from(postings).where(condition))[0][0]
    pages = max(-(-total // PAGE_SIZE), 1)
    search = replace(search, page=min(search.page, pages))
    query = (
        sa.select(*COLUMNS)
        .where(condition)
        .order_by(postings.c.at.desc(), *ORDER)
        .limit(PAGE_SIZE)
        .offset((search.page - 1) * PAGE_SIZE)
    )
    return Found(search, [from_row(store, row) for row in store.read(query)], total)


def _contains(text: str) -> sa.ColumnElement[bool]:
    """Match a part of the reference, the stream, the entity or the number, or the division."""
    parts = ("reference", "stream", "entity", "number")
    terms = [postings.c[name].icontains(text, autoescape=True) for name in parts]
    division = _number(text)
    return sa.or_(*terms, *([] if division is None else [postings.c.division == division]))


def divisions(store: Store, apps: Collection[str]) -> list[int]:
    """List the divisions that the journal has postings of."""
    column = postings.c.division
    query = sa.select(column).where(postings.c.app.in_(apps)).distinct().order_by(column)
    return [row.division for row in store.read(query)]


def unfinished(store: Store, apps: Collection[str]) -> list[tuple[str, int, int]]:
    """Count what a replay sends again: app, division and number, the most first."""
    kept = postings.c.outcome.in_(UNFINISHED) & postings.c.record.is_not(None)
    number = sa.func.count()
    query = (
        sa.select(postings.c.app, postings.c.division, number)
        .where(postings.c.app.in_(apps) & kept)
        .group_by(postings.c.app, postings.c.division)
        .order_by(number.desc(), postings.c.division)
    )
    return [(row[0], row[1], row[2]) for row in store.read(query)]


def only(store: Store, apps: Collection[str], fields: Mapping[str, str]) -> Posting | None:
    """Return one posting by the fields of its address; None if it is gone."""
    key = ("app", "entity", "reference")
    is_it = sa.and_(
        postings.c.app.in_(apps),
        postings.c.division == (_number(fields.get("division", "")) or -1),
        *(postings.c[name] == fields.get(name, "") for name in key),
    )
    rows = store.read(sa.select(*COLUMNS).where(is_it))
    return from_row(store, rows[0]) if rows else None


def named(store: Store, app: str, division: int, references: Collection[str]) -> list[Posting]:
    """List the postings of these references, and what failed beside them."""
    names = [name for each in references for name in (each, beside(each))]
    mine = (postings.c.app == app) & (postings.c.division == division)
    is_named = postings.c.reference.in_(names)
    query = sa.select(*COLUMNS).where(mine & is_named).order_by(postings.c.at.desc(), *ORDER)
    return [from_row(store, row) for row in store.read(query)]


def address(posting: Posting) -> str:
    """The address of the page on a posting."""
    key = ("app", "division", "entity", "reference")
    return f"/posting?{urlencode({name: getattr(posting, name) for name in key})}"
