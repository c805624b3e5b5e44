"""Rows on disk, sorted by key: memory does not grow with them."""

from __future__ import annotations

import pickle
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from batchwright.engine.reading.spool import BLOCK, Spool

DELETED = bytes(32)
"""In place of a hash: the row is marked as deleted."""

ROWS_A_RUN, BYTES_A_RUN = 100_000, 32 * 1024 * 1024
"""Rows that are sorted in memory, at most, and their bytes."""


class SpooledRow(NamedTuple):
    """A row of an item, with its key. They sort by key, then hash, item and line.

    Attributes:
        key: Its key in UTF-8, which sorts as its code points do.
        digest: The SHA-256 of what it holds, or `DELETED`.
        item: The number of the item that it came from.
        line: The number of its line.
        size: Its bytes, about.
        values: Its values, packed; of a line that is no row, what is known of it by column.
        reason: Why it is no row; empty for a row.
        text: The line, where it is no row.
    """

    key: bytes
    digest: bytes
    item: int
    line: int
    size: int
    values: bytes
    reason: str = ""
    text: str = ""


KEY, DIGEST, ITEM, SIZE, REASON = map(SpooledRow._fields.index, ("key", "digest", "item", "size", "reason"))


class RowSpool:
    """Rows, sorted by key. Add all; then go over them, as often as you like.

    Up to a number of rows they stay in memory; more go to a temporary file.

    Args:
        rows_a_run: Rows that are sorted in memory.
    """

    def __init__(self, rows_a_run: int = ROWS_A_RUN) -> None:
        self._rows_a_run = rows_a_run
        self._spool: Spool[tuple[Any, ...]] | None = None
        self._waiting: list[tuple[Any, ...]] = []
        self._held = 0
        self._index: _Index | None = None

    def add_all(self, rows: Sequence[tuple[Any, ...]], size: int) -> None:
        """Add rows of a size: the values of a `SpooledRow`, which takes longer to make than to sort."""
        self._waiting += rows
        self._held += size
        if len(self._waiting) >= self._rows_a_run or self._held >= BYTES_A_RUN:
            if self._spool is None:
                self._spool = Spool(None, is_sorted=False)
            self._spool.add(sorted(self._waiting))
            self._waiting, self._held = [], 0

    def find(self, key: str) -> list[tuple[Any, ...]]:
        """Return the rows of a key. The first call sorts all of them into another file."""
        if self._index is None:
            self._index = _Index(self._blocks())
        return self._index.rows(encoded(key))

    def _blocks(self) -> Iterator[list[tuple[Any, ...]]]:
        self._waiting.sort()
        if self._spool is None:
            return iter([self._waiting] if self._waiting else [])
        if self._waiting:
            self._spool.add(self._waiting)
            self._waiting = []
        return self._spool.blocks()

    def by_key(self) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the rows, as they were added, in code point order of their keys, some at a time.

        Rows with the same key come together.
        """
        rest: list[tuple[Any, ...]] = []
        for block in self._blocks():
            for start in range(0, len(block), BLOCK):
                rows = rest + block[start : start + BLOCK]
                end = bisect_left(rows, rows[-1][0], key=itemgetter(0))
                if end:
                    yield rows[:end]
                rest = rows[end:]
        if rest:
            yield rest


class _Index:
    """Rows in the order of their keys, and where each part of them begins."""

    def __init__(self, blocks: Iterator[list[tuple[Any, ...]]]) -> None:
        self._spool: Spool[tuple[Any, ...]] = Spool(None, is_sorted=True)
        self._first: list[bytes] = []
        self._places: list[int] = []
        for block in blocks:
            for start in range(0, len(block), BLOCK):
                part = block[start : start + BLOCK]
                self._first.append(part[0][0])
                self._places += self._spool.add(part)

    def rows(self, key: bytes) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = []
        start = max(0, bisect_left(self._first, key) - 1)  # the one before may end with it
        for first, place in zip(self._first[start:], self._places[start:], strict=True):
            if first > key:
                break
            found += (row for row in self._spool.block(place) if row[0] == key)
        return found


def encoded(key: str) -> bytes:
    """Return a key in bytes that sort as its code points do."""
    return key.encode("utf-8", "surrogatepass")


def decoded(key: bytes) -> str:
    """Return the key that was `encoded`."""
    return key.decode("utf-8", "surrogatepass")


def packed(values: Sequence[Any] | dict[str, Any]) -> bytes:
    """Return values as `SpooledRow` has them."""
    return pickle.dumps(values, 5)


def unpacked(data: bytes) -> Any:
    """Return what `packed` was given."""
    return pickle.loads(data)  # noqa: S301 - this process wrote it, into a file without a name
