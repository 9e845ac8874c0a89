"""Resolve codes and names in documents to keys, many in one call."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from exactonline_client.errors import InDoubt, RequestRefused
from target_exactonline.mapping.model import SOURCE_KEY, RelatedRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from exactonline_client.lookups import Lookups, Match
    from target_exactonline.load.planned import Planned
    from target_exactonline.mapping.model import Document

    Create = Callable[[str, Mapping[str, Any]], str]
    """Creates a row of an endpoint and returns its key."""

MAX_SHOWN = 5
"""Maximum of ambiguous rows that a problem lists."""
MAX_SUGGESTED = 20
"""Maximum of values per batch for which similar ones are searched, which is slow."""


@dataclass
class _Reference:
    """A property of a document that refers to a row to look up."""

    document: Document
    holder: dict[str, Any]
    name: str
    path: str
    wanted: RelatedRow
    step: int = 0

    @property
    def query(self) -> tuple[str, str, str]:
        """Endpoint, column and value of the present lookup."""
        return (self.wanted.endpoint, *self.wanted.by[self.step])

    def add_problem(self, problem: str) -> None:
        self.document.problems.append(f"{self.path}: {problem}")

    def leave_out(self, why: str) -> None:
        del self.holder[self.name]
        self.document.notes.append(f"{self.path} was left out: {why}")


def resolve(
    lookups: Lookups,
    documents: Iterable[Document],
    create: Create | None,
    planned: Planned | None = None,
    check: Callable[[Sequence[Document]], None] | None = None,
) -> None:
    """Replace related rows in documents by keys; add a problem for each that is not found.

    Args:
        lookups: of the target division.
        documents: those with problems are skipped.
        create: creates a missing row; None to create nothing.
        planned: documents that a dry run would have written before.
        check: adds further problems to documents, for which no rows are created.

    Raises:
        The errors of `Session.get` that are not about one document.
    """
    valid = [document for document in documents if not document.problems]
    references = [reference for each in valid for reference in _references(each, each.fields, "")]
    if check:
        check(valid)
    missing = []
    while references:
        results = _ask(lookups, references, planned)
        still_open = []
        for reference in references:
            matches = results.get(reference.query, ())
            if len(matches) == 1:
                reference.holder[reference.name] = matches[0].key
            elif matches:
                _report_ambiguous(reference, matches)
            elif reference.step + 1 < len(reference.wanted.by):
                reference.step += 1
                still_open.append(reference)
            else:
                missing.append(reference)
        references = still_open
    _fill(lookups, missing, create)


def _references(document: Document, fields: dict[str, Any], path: str) -> Iterator[_Reference]:
    for name, value in fields.items():
        if isinstance(value, RelatedRow):
            yield _Reference(document, fields, name, path + name, value)
        elif isinstance(value, list):
            for number, row in enumerate(value, start=1):
                yield from _references(document, row, f"{path}{name}[{number}].")


def _ask(
    lookups: Lookups, references: Sequence[_Reference], planned: Planned | None
) -> Mapping[tuple[str, str, str], Sequence[Match]]:
    """Look up all references, grouped by endpoint and column; return the matches."""
    kinds: dict[tuple[str, str], dict[str, None]] = {}
    for reference in references:
        endpoint, column, value = reference.query
        kinds.setdefault((endpoint, column), {})[value] = None
    answers: dict[tuple[str, str, str], list[Match]] = {}
    for (endpoint, column), values in kinds.items():
        asked = list(values)
        if column == SOURCE_KEY:
            existing = lookups.written(endpoint, asked)
        else:
            existing = lookups.find(endpoint, column, asked)
        planned_rows = planned.find(endpoint, column, asked) if planned else {}
        for value in asked:
            matches = [*existing.get(value, ()), *planned_rows.get(value, ())]
            answers[endpoint, column, value] = list({each.key: each for each in matches}.values())
    return answers


def _report_ambiguous(reference: _Reference, matches: Sequence[Match]) -> None:
    _, column, value = reference.query
    titles = sorted(match.title for match in matches[:MAX_SHOWN])
    reference.document.shown += titles
    shown = ", ".join(titles)
    more = ", ..." if len(matches) > MAX_SHOWN else ""
    problem = f"{len(matches)} rows of {_kind(reference)} have {column} {value!r}: {shown}{more}"
    _reject(reference, problem)


def _reject(reference: _Reference, problem: str) -> None:
    if reference.wanted.optional:
        reference.leave_out(problem)
    else:
        reference.add_problem(problem)


def _kind(reference: _Reference) -> str:
    return reference.wanted.endpoint.rpartition("/")[2]


def _fill(lookups: Lookups, missing: Sequence[_Reference], create: Create | None) -> None:
    """Report missing rows, and create those of documents without other problems."""
    unresolved: list[_Reference] = []
    creatable: list[_Reference] = []
    for reference in missing:
        (unresolved if create is None or reference.wanted.new is None else creatable).append(
            reference
        )
    for number, reference in enumerate(unresolved):
        _report_missing(lookups if number < MAX_SUGGESTED else None, reference)
    if create is not None:
        creator = _Creator(lookups, create)
        for reference in creatable:
            if not reference.document.problems:
                creator.fill(reference)


@dataclass
class _Creator:
    """Creates each missing row once, also for several documents."""

    lookups: Lookups
    create: Create
    keys: dict[tuple[str, tuple[tuple[str, str], ...]], str] = field(default_factory=dict)
    refusals: dict[tuple[str, tuple[tuple[str, str], ...]], str] = field(default_factory=dict)

    def fill(self, reference: _Reference) -> None:
        name = (reference.wanted.endpoint, _known_by(reference.wanted))
        if name not in self.keys and name not in self.refusals:
            self._create(reference.wanted)
        if name in self.keys:
            reference.holder[reference.name] = self.keys[name]
        else:
            reference.add_problem(f"it is missing and could not be created: {self.refusals[name]}")

    def _create(self, wanted: RelatedRow) -> None:
        by = _known_by(wanted)
        try:
            key = self.create(wanted.endpoint, wanted.new or {})
        except RequestRefused as refusal:
            self.refusals[wanted.endpoint, by] = refusal.reason or str(refusal)
            return
        except InDoubt as doubt:
            self.refusals[wanted.endpoint, by] = str(doubt)
            return
        self.keys[wanted.endpoint, by] = key
        for column, value in by:
            self.lookups.remember(wanted.endpoint, column, value, key)


def _known_by(wanted: RelatedRow) -> tuple[tuple[str, str], ...]:
    return tuple(pair for pair in wanted.by if pair[0] != SOURCE_KEY)


def _report_missing(lookups: Lookups | None, reference: _Reference) -> None:
    """Report a missing row; `lookups` suggests similar values, None for no suggestions."""
    wanted, by = reference.wanted, _known_by(reference.wanted)
    if not by:
        problem = (
            "it is a key of another division, and no row that was written to this one came from it"
        )
    else:
        similar = (
            lookups.similar(wanted.endpoint, *by[0]) if lookups and not wanted.optional else []
        )
        reference.document.shown += similar
        known = " or ".join(f"{column} {value!r}" for column, value in by)
        problem = f"no row of {_kind(reference)} has {known}"
        problem += f" (similar: {', '.join(similar)})" if similar else ""
    _reject(reference, problem)
