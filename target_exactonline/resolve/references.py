"""Codes and names in documents become the keys that Exact Online wants, many in one call."""

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
    """Creates a row of an endpoint and gives its key."""

MOST_SHOWN = 5
"""Rows of the same name that a problem lists."""
MOST_NEAR = 20
"""Values of a batch for which others that look like them are sought, which takes its time."""


@dataclass
class _Place:
    """Where in a document a row is wanted."""

    document: Document
    holder: dict[str, Any]
    name: str
    path: str
    wanted: RelatedRow
    step: int = 0

    @property
    def asks(self) -> tuple[str, str, str]:
        """Endpoint, column and value that are asked for now."""
        return (self.wanted.endpoint, *self.wanted.by[self.step])

    def say(self, problem: str) -> None:
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
    """Put keys where documents want rows; a document that wants what is not there gets a problem.

    Args:
        lookups: of the division that is written to.
        documents: those that have problems already are left as they are.
        create: makes a row that is missing; None where nothing is to be created.
        planned: what a dry run would have written before.
        check: finds more that is wrong with documents; for those nothing is created.

    Raises:
        The errors of `Session.get` that are not about one document.
    """
    sound = [document for document in documents if not document.problems]
    places = [place for each in sound for place in _places(each, each.fields, "")]
    if check:
        check(sound)
    missing = []
    while places:
        found = _ask(lookups, places, planned)
        still_open = []
        for place in places:
            matches = found.get(place.asks, ())
            if len(matches) == 1:
                place.holder[place.name] = matches[0].key
            elif matches:
                _tell_doubles(place, matches)
            elif place.step + 1 < len(place.wanted.by):
                place.step += 1
                still_open.append(place)
            else:
                missing.append(place)
        places = still_open
    _fill(lookups, missing, create)


def _places(document: Document, fields: dict[str, Any], path: str) -> Iterator[_Place]:
    for name, value in fields.items():
        if isinstance(value, RelatedRow):
            yield _Place(document, fields, name, path + name, value)
        elif isinstance(value, list):
            for number, row in enumerate(value, start=1):
                yield from _places(document, row, f"{path}{name}[{number}].")


def _ask(
    lookups: Lookups, places: Sequence[_Place], planned: Planned | None
) -> Mapping[tuple[str, str, str], Sequence[Match]]:
    """What was found for each of the things that are asked for, all of a kind at once."""
    kinds: dict[tuple[str, str], dict[str, None]] = {}
    for place in places:
        endpoint, column, value = place.asks
        kinds.setdefault((endpoint, column), {})[value] = None
    answers: dict[tuple[str, str, str], list[Match]] = {}
    for (endpoint, column), values in kinds.items():
        asked = list(values)
        if column == SOURCE_KEY:
            there = lookups.written(endpoint, asked)
        else:
            there = lookups.find(endpoint, column, asked)
        to_come = planned.find(endpoint, column, asked) if planned else {}
        for value in asked:
            matches = [*there.get(value, ()), *to_come.get(value, ())]
            answers[endpoint, column, value] = list({each.key: each for each in matches}.values())
    return answers


def _tell_doubles(place: _Place, matches: Sequence[Match]) -> None:
    _, column, value = place.asks
    titles = sorted(match.title for match in matches[:MOST_SHOWN])
    place.document.shown += titles
    shown = ", ".join(titles)
    more = ", ..." if len(matches) > MOST_SHOWN else ""
    problem = f"{len(matches)} rows of {_kind(place)} have {column} {value!r}: {shown}{more}"
    _complain(place, problem)


def _complain(place: _Place, problem: str) -> None:
    if place.wanted.spare:
        place.leave_out(problem)
    else:
        place.say(problem)


def _kind(place: _Place) -> str:
    return place.wanted.endpoint.rpartition("/")[2]


def _fill(lookups: Lookups, missing: Sequence[_Place], create: Create | None) -> None:
    """Say what is missing, and create what documents need that lack nothing else."""
    told: list[_Place] = []
    waiting: list[_Place] = []
    for place in missing:
        (told if create is None or place.wanted.new is None else waiting).append(place)
    for number, place in enumerate(told):
        _tell_missing(lookups if number < MOST_NEAR else None, place)
    if create is not None:
        maker = _Maker(lookups, create)
        for place in waiting:
            if not place.document.problems:
                maker.fill(place)


@dataclass
class _Maker:
    """Creates each missing row once, also where many documents want it."""

    lookups: Lookups
    create: Create
    keys: dict[tuple[str, tuple[tuple[str, str], ...]], str] = field(default_factory=dict)
    refusals: dict[tuple[str, tuple[tuple[str, str], ...]], str] = field(default_factory=dict)

    def fill(self, place: _Place) -> None:
        name = (place.wanted.endpoint, _known_by(place.wanted))
        if name not in self.keys and name not in self.refusals:
            self._make(place.wanted)
        if name in self.keys:
            place.holder[place.name] = self.keys[name]
        else:
            place.say(f"it is missing and could not be created: {self.refusals[name]}")

    def _make(self, wanted: RelatedRow) -> None:
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


def _tell_missing(lookups: Lookups | None, place: _Place) -> None:
    """`lookups` to look for values that look like it; None where that takes too long."""
    wanted, by = place.wanted, _known_by(place.wanted)
    if not by:
        problem = (
            "it is a key of another division, and no row that was written to this one came from it"
        )
    else:
        near = lookups.similar(wanted.endpoint, *by[0]) if lookups and not wanted.spare else []
        place.document.shown += near
        known = " or ".join(f"{column} {value!r}" for column, value in by)
        problem = f"no row of {_kind(place)} has {known}"
        problem += f" (near it: {', '.join(near)})" if near else ""
    _complain(place, problem)
