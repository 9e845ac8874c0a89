"""Shared by all generators: the company, a random generator, creators and times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from exactonline_sandbox.clock import UTC, tick
from exactonline_sandbox.edm.guids import new_guid
from exactonline_sandbox.edm.values import ZONE, from_wall_clock

if TYPE_CHECKING:
    from random import Random

    from exactonline_sandbox.books.company import Company
    from exactonline_sandbox.books.tables import Row

HISTORY = timedelta(days=3 * 365)
_OPENED = datetime(2019, 1, 2, 8, 30, tzinfo=UTC)
_SAVED = timedelta(milliseconds=20)


@dataclass
class Maker:
    """Makes rows of one company."""

    company: Company
    rng: Random
    user_id: str
    today: datetime
    """Time of the newest data, in UTC."""

    def guid(self) -> str:
        """A new guid."""
        return new_guid(self.rng)

    def load(self, table: str, row: Row, created: datetime | None = None) -> Row:
        """Add a row, with its creator and times.

        Args:
            table: Id of its plain endpoint.
            row: Its values; nulls are dropped.
            created: Time of creation; when the company was set up where None.
        """
        if created is None:
            created = _OPENED + timedelta(seconds=self.rng.randrange(40_000) / 100)
        row["Created"], row["Modified"] = _stored(created)
        row["Creator"] = row["Modifier"] = self.user_id
        return self.company.load(table, {k: v for k, v in row.items() if v is not None})

    def number(self, series: str) -> int:
        """The next number of a series."""
        return self.company.number(series)

    def maybe(self, chance: float) -> bool:
        """True with this probability."""
        return self.rng.random() < chance

    def moments(self, count: int) -> list[datetime]:
        """Times in office hours of the last three years, sorted.

        Some are close to midnight or to a change of summer time, where time zone errors show.
        """
        start = self.today - HISTORY
        days = sorted(self.rng.random() for _ in range(count))
        moments = [self.working_moment((start + HISTORY * share).date()) for share in days]
        special = [moment for moment in _edge_moments(self.today) if moment < self.today]
        for moment in special[: count // 4]:
            moments[self.rng.randrange(count)] = moment
        return sorted(min(moment, self.today) for moment in moments)

    def working_moment(self, day: date) -> datetime:
        """A time on that day between 8:00 and 18:00."""
        seconds = 8 * 3600 + self.rng.randrange(10 * 3600)
        midnight = _midnight(day)
        return midnight + timedelta(seconds=seconds, milliseconds=self.rng.randrange(1000))


@lru_cache(maxsize=64)
def _stored(created: datetime) -> tuple[datetime, datetime]:
    """The times of creation and of the last change, of rows that are made together."""
    created = tick(created)
    return created, tick(created + _SAVED)


@lru_cache(maxsize=4096)
def _midnight(day: date) -> datetime:
    return from_wall_clock(datetime.combine(day, time.min))


def _edge_moments(today: datetime) -> list[datetime]:
    """Times close to midnight, to the turn of the year and to changes of summer time."""
    moments = []
    for year in range(today.year, today.year - 3, -1):
        for month in (3, 10):
            change = _last_sunday(year, month)
            one_o_clock = datetime.combine(change, time(1), tzinfo=UTC)
            moments += [one_o_clock + timedelta(minutes=minutes) for minutes in (-61, -30, 0, 30)]
        for month, day in ((1, 1), (7, 1), (12, 31)):
            midnight = datetime.combine(date(year, month, day), time.min, tzinfo=ZONE)
            moments.append(midnight.astimezone(UTC) + timedelta(milliseconds=7))
            moments.append(midnight.astimezone(UTC) - timedelta(milliseconds=3))
    return moments


def _last_sunday(year: int, month: int) -> date:
    last = date(year, month, 31)
    return last - timedelta(days=(last.weekday() + 1) % 7)
