"""Lists on disk: files have more rows than should be held in memory."""

from __future__ import annotations

import pickle
from array import array
from collections.abc import Iterator, Sequence
from tempfile import SpooledTemporaryFile
from typing import TypeVar, overload
from weakref import finalize

from typing_extensions import override

T = TypeVar("T")
CHUNK = 200
"""Items that are written and read together, and held in memory."""
IN_MEMORY = 500_000
"""Bytes of a list that are not worth a file."""


class Spool(Sequence[T]):
    """A list that is kept on disk, but for the items around the last one that was asked for.

    An item that is changed has to be put back, as `edited` does. The file has no name that others
    could open, and is gone with the list.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - closed below
        self._starts = array("Q")
        self._sizes = array("L")
        self._end = 0
        self._length = 0
        self._chunk = 0
        self._held: list[T] = []
        self._is_changed = False
        finalize(self, self._file.close)

    def append(self, item: T) -> None:
        """Add an item."""
        self._hold(self._length // CHUNK)
        self._held.append(item)
        self._length += 1
        self._is_changed = True

    def __setitem__(self, index: int, item: T) -> None:
        """Put an item in the place of another."""
        self._hold(index // CHUNK)
        self._held[index % CHUNK] = item
        self._is_changed = True

    @override
    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> list[T]: ...

    @override
    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(self._length))]
        place = range(self._length)[index]
        self._hold(place // CHUNK)
        return self._held[place % CHUNK]

    def edited(self) -> Iterator[T]:
        """All items, each of which is put back when the next one is asked for."""
        for index in range(self._length):
            item = self[index]
            yield item
            self[index] = item

    def _hold(self, chunk: int) -> None:
        """Have the items of a chunk in memory."""
        if chunk == self._chunk:
            return
        if self._is_changed:
            self._store()
        self._chunk, self._is_changed = chunk, False
        self._held = []
        if chunk < len(self._starts):
            self._file.seek(self._starts[chunk])
            # Nobody else can write to the file.
            self._held = pickle.loads(self._file.read(self._sizes[chunk]))  # noqa: S301

    def _store(self) -> None:
        """Write the items in memory: over those of before, or at the end where they are longer."""
        data = pickle.dumps(self._held, pickle.HIGHEST_PROTOCOL)
        if self._chunk == len(self._starts):
            self._starts.append(0)
            self._sizes.append(0)
        if len(data) > self._sizes[self._chunk]:
            self._starts[self._chunk], self._sizes[self._chunk] = self._end, len(data)
            self._end += len(data)
        self._file.seek(self._starts[self._chunk])
        self._file.write(data)
