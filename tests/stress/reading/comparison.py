"""What the warehouse holds, against what is in Exact: every row, column by column."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from exactonline_client import catalogue
from exactonline_sandbox.control.truth import truth as truth_of
from tests.stress.reading.warehouse import DELETED_AT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from exactonline_sandbox import Server
    from tests.stress.reading.warehouse import Warehouse

    Rows = dict[tuple[Any, ...], dict[str, Any]]

JOINED = {"Name", "FullName", "Description", "Code"}
OUTSIDE = {"Timestamp", "Division", "Url"}
"""Columns that the truth leaves out, and the one that distinguishes rows of several companies."""
AMSTERDAM = ZoneInfo("Europe/Amsterdam")


@dataclass
class Comparison:
    """What came of it."""

    rows: int = 0
    wrong: list[str] = field(default_factory=list)
    """What differs, in words."""
    left: Counter[str] = field(default_factory=Counter)
    """By stream, rows that are gone in Exact, which keeps no log of such rows."""


def compare(
    server: Server,
    divisions: Sequence[int],
    warehouse: Warehouse,
    streams: Iterable[str],
    *,
    joined: bool,
) -> Comparison:
    """Compare all streams.

    Without `joined`, names of other rows do not count: Exact does not stamp a row as changed when
    only the name of its customer is.
    """
    found = Comparison()
    for stream in streams:
        facts = catalogue.load().streams[stream]
        for division in divisions[:1] if facts.per_user else divisions:
            truth = _by_key(_truth(server, division, stream), facts.key)
            rows = [
                row
                for row in warehouse.living(stream)
                if facts.per_user or row["Division"] == division
            ]
            difference = _Difference(stream, division, _by_key(rows, facts.key), truth)
            found.rows += len(truth)
            found.wrong += difference.missing() + difference.columns(joined=joined)
            gone = difference.surplus()
            if facts.deleted_type is None:
                found.left[stream] += len(gone)
            else:
                found.wrong += gone
    return found


def _truth(server: Server, division: int, stream: str) -> Iterator[dict[str, Any]]:
    world = server.world
    return map(json.loads, truth_of(world, division, stream, world.config.users[0]))


def _by_key(rows: Iterable[dict[str, Any]], key: tuple[str, ...]) -> Rows:
    return {tuple(row[name] for name in key): row for row in rows}


@dataclass(frozen=True)
class _Difference:
    """Between the rows of one stream and division and the truth, in words."""

    stream: str
    division: int
    rows: Rows
    truth: Rows

    def missing(self) -> list[str]:
        return [f"{self._name(key)} is missing" for key in self.truth.keys() - self.rows.keys()]

    def surplus(self) -> list[str]:
        keys = self.rows.keys() - self.truth.keys()
        return [f"{self._name(key)} should not be there" for key in keys]

    def columns(self, *, joined: bool) -> list[str]:
        return [
            f"{self._name(key)}.{name} is {value!r}, should be {expected.get(name)!r}"
            for key, expected in self.truth.items()
            for name, value in self.rows.get(key, {}).items()
            if name not in OUTSIDE
            and name != DELETED_AT
            and not _same(value, expected.get(name))
            and (joined or not _is_joined(name, expected))
        ]

    def _name(self, key: tuple[Any, ...]) -> str:
        return f"{self.stream} {key} of {self.division}"


def _same(value: Any, expected: Any) -> bool:
    return bool(value == expected or _moment(value) == _moment(expected))


def _moment(value: Any) -> Any:
    """A moment as such; but the wall time in the hour that the clock is set back.

    In that hour the wall time is all that Exact returns.
    """
    if not isinstance(value, str) or "T" not in value or not value.endswith(("Z", "+00:00")):
        return value
    moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
    wall = moment.astimezone(AMSTERDAM)
    repeated = wall.replace(fold=0).utcoffset() != wall.replace(fold=1).utcoffset()
    return wall.replace(tzinfo=None) if repeated else moment


def _is_joined(name: str, columns: Iterable[str]) -> bool:
    """Whether a column repeats the name of another row, such as `AccountName` beside `Account`."""
    return any(
        name.startswith(other) and name != other and name.removeprefix(other) in JOINED
        for other in columns
    )
