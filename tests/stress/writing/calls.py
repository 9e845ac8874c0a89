"""A recorder of the sandbox that does things at calls to come."""

from __future__ import annotations

from collections import defaultdict
from itertools import count
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from exactonline_sandbox.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable

    from exactonline_sandbox.recorder import CallRecord


class Calls(Recorder):
    """The sandbox's recorder, which does things at some of the calls to come."""

    def __init__(self) -> None:
        """Nothing is to be done."""
        super().__init__()
        self._number = count(1)
        self._wanted: defaultdict[tuple[int, bool], list[Callable[[], None]]] = defaultdict(list)
        self._now = 0

    def clear(self) -> None:
        """Do nothing any more, and count from the start."""
        self._number, self._wanted = count(1), defaultdict(list)

    def at(self, call: int, do: Callable[[], None], *, after: bool) -> None:
        """Do something before a call is carried out, or after that, before its answer."""
        self._wanted[call, after].append(do)

    @override
    def begin(self, division: int) -> None:
        super().begin(division)
        self._now = next(self._number)
        for do in self._wanted[self._now, False]:
            do()

    @override
    def data_call(self, made: CallRecord, query: str, moment: Any) -> None:
        super().data_call(made, query, moment)
        if made.division:
            for do in self._wanted.pop((self._now, True), ()):
                do()
