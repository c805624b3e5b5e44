"""Values in a temporary file, sorted: memory does not grow with them."""

from __future__ import annotations

import pickle
import tempfile
import weakref
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")

BLOCK = 256
"""Values that are read at a time."""


class Spool(Generic[Value]):
    """Values that come in parts, each sorted; iterate over all of them in order, as often as you like.

    One thread at a time adds and iterates. The file goes with the object, or the process.

    Args:
        key: What they are sorted by; None for the values themselves.
        is_sorted: Whether each part follows the one before, so that nothing has to be merged.
    """

    def __init__(self, key: Callable[[Value], Any] | None, *, is_sorted: bool) -> None:
        self._key = key
        self._is_sorted = is_sorted
        self._parts: list[list[int]] = []  # where the blocks of each begin
        self._file = tempfile.TemporaryFile(prefix="batchwright-")  # noqa: SIM115 - closed by the finalizer
        weakref.finalize(self, self._file.close)

    def add(self, part: Sequence[Value]) -> list[int]:
        """Add a sorted part; return where its blocks lie, for `block`."""
        places = []
        self._file.seek(0, 2)
        for start in range(0, len(part), BLOCK):
            places.append(self._file.tell())
            pickle.dump(part[start : start + BLOCK], self._file, pickle.HIGHEST_PROTOCOL)
        self._parts.append(places)
        return places

    def __iter__(self) -> Iterator[Value]:
        return chain.from_iterable(self.blocks())

    def blocks(self) -> Iterator[list[Value]]:
        """Yield all values in order, some at a time."""
        parts = [map(self.block, places) for places in self._parts]
        return chain.from_iterable(parts) if self._is_sorted else self._merged(parts)

    def _merged(self, parts: Sequence[Iterator[list[Value]]]) -> Iterator[list[Value]]:
        """Yield the values of several parts in order.

        Sorting what is there of all parts up to the end of the first block is several times as fast as
        comparing one value at a time.
        """
        key: Callable[[Any], Any] = self._key or (lambda value: value)
        heads = [(block, rest) for rest in parts if (block := next(rest, []))]
        while heads:
            end = min(key(block[-1]) for block, _ in heads)
            ready: list[Any] = []
            left = []
            for block, rest in heads:
                cut = bisect_right(block, end, key=self._key)
                ready += block[:cut]
                remaining = block[cut:] or next(rest, [])
                if remaining:
                    left.append((remaining, rest))
            heads = left
            ready.sort(key=self._key)
            yield ready

    def block(self, place: int) -> list[Value]:
        """Return the block at a place."""
        self._file.seek(place)
        block: list[Value] = pickle.load(self._file)  # noqa: S301 - written by us, to a file without a name
        return block
