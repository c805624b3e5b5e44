"""Values in a temporary file, sorted: memory does not grow with them."""

from __future__ import annotations

import pickle
import tempfile
import weakref
from collections.abc import Callable, Iterator, Sequence
from heapq import merge
from itertools import chain
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")

BLOCK = 256
"""Values that are read at a time."""


class Spool(Generic[Value]):
    """Values that come in parts, each sorted; iterate over all of them in order, as often as you like.

    One thread at a time adds and iterates. The file goes with the object, or the process.

    Args:
        key: What they are sorted by.
        is_sorted: Whether each part follows the one before, so that nothing has to be merged.
    """

    def __init__(self, key: Callable[[Value], Any], *, is_sorted: bool) -> None:
        self._key = key
        self._is_sorted = is_sorted
        self._parts: list[list[int]] = []  # where the blocks of each begin
        self._file = tempfile.TemporaryFile(prefix="batchwright-")  # noqa: SIM115 - closed by the finalizer
        weakref.finalize(self, self._file.close)

    def add(self, part: Sequence[Value]) -> None:
        """Add a sorted part."""
        places = []
        self._file.seek(0, 2)
        for start in range(0, len(part), BLOCK):
            places.append(self._file.tell())
            pickle.dump(part[start : start + BLOCK], self._file, pickle.HIGHEST_PROTOCOL)
        self._parts.append(places)

    def __iter__(self) -> Iterator[Value]:
        parts = [self._values(places) for places in self._parts]
        return chain.from_iterable(parts) if self._is_sorted else merge(*parts, key=self._key)

    def _values(self, places: list[int]) -> Iterator[Value]:
        for place in places:
            self._file.seek(place)
            block: list[Value] = pickle.load(self._file)  # noqa: S301 - written by us, to a file without a name
            yield from block
