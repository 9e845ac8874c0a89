"""Counts calls: by endpoint, and token requests."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True)
class CallRecord:
    """A finished call; `status` is 0 where the connection was cut."""

    division: int | None
    endpoint: str
    method: str
    status: int


class Recorder:
    """Calls since the last reset."""

    def __init__(self) -> None:
        """Start with no calls."""
        self.reset()

    def reset(self) -> None:
        """Forget all calls."""
        self._data: Counter[CallRecord] = Counter()
        self._tokens: Counter[tuple[str, int]] = Counter()
        self._running: Counter[int] = Counter()
        self._most: defaultdict[int, int] = defaultdict(int)
        self._last: list[dict[str, Any]] = []

    def begin(self, division: int) -> None:
        """Count a running call of a division."""
        self._running[division] += 1
        self._most[division] = max(self._most[division], self._running[division])

    def end(self, division: int) -> None:
        """Count a running call of a division as ended."""
        self._running[division] -= 1

    def data_call(self, made: CallRecord, query: str, moment: datetime) -> None:
        """Count a call for data."""
        self._data[made] += 1
        self._last.append(
            {"at": moment.isoformat(), **vars(made), "query": query},
        )
        del self._last[:-200]

    def token_call(self, grant: str, status: int) -> None:
        """Count a call to the token endpoint."""
        self._tokens[grant, status] += 1

    def report(self) -> dict[str, Any]:
        """All counts, as JSON values."""
        calls = [
            {**vars(made), "count": count}
            for made, count in sorted(
                self._data.items(),
                key=lambda item: (item[0].division or 0, item[0].endpoint, item[0].method),
            )
        ]
        return {
            "data_calls": sum(self._data.values()),
            "token_calls": sum(self._tokens.values()),
            "calls": calls,
            "tokens": [
                {"grant": grant, "status": status, "count": count}
                for (grant, status), count in sorted(self._tokens.items())
            ],
            "most_at_once": {str(code): most for code, most in sorted(self._most.items())},
            "last": list(self._last),
        }
