"""Rows on disk, sorted by key: memory does not grow with them."""

from __future__ import annotations

import marshal
import pickle
import tempfile
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

ROWS_A_RUN, BYTES_A_RUN = 100_000, 32 * 1024 * 1024
"""Rows that are sorted in memory, at most, and their bytes."""

ROWS_A_PAGE = 200
"""Rows of a run that are read together: of each run one page is in memory."""


class SpooledRow(NamedTuple):
    """A row of an item, with its key. They sort by key, then hash, item and line.

    Attributes:
        key: Its key in UTF-8, which sorts as its code points do.
        digest: The SHA-256 of what it holds.
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


class Spool:
    """Rows, sorted by key, in a temporary file without a name. Add all; then go over them, again if need be."""

    def __init__(self, rows_a_run: int = ROWS_A_RUN) -> None:
        self._rows_a_run = rows_a_run
        self._file = tempfile.TemporaryFile(prefix="batchwright-rows-")  # noqa: SIM115 - closed by `close`
        self._runs: list[list[int]] = []  # of each run where its pages begin
        self._waiting: list[tuple[Any, ...]] = []
        self._held = 0
        self.rows = 0

    def add(self, row: tuple[Any, ...]) -> None:
        """Add a row: the values of a `SpooledRow`, which would be slow to make here."""
        self._waiting.append(row)
        self._held += row[4]
        self.rows += 1
        if len(self._waiting) >= self._rows_a_run or self._held >= BYTES_A_RUN:
            self._write_run()

    def by_key(self, after: str = "", until: str | None = None) -> Iterator[list[SpooledRow]]:
        """Yield the rows of each key, in code point order of the keys.

        Args:
            after: Only keys behind this one.
            until: Only keys up to this one; None for all.
        """
        first, last = encoded(after), None if until is None else encoded(until)
        same: list[SpooledRow] = []
        for page in self._merged():
            for row in page:
                if same and row[0] != same[0][0]:
                    yield same
                    same = []
                if (row[0] > first or not first) and (last is None or row[0] <= last):
                    same.append(SpooledRow._make(row))
        if same:
            yield same

    def close(self) -> None:
        """Delete the file. May come more than once."""
        self._file.close()

    def _write_run(self) -> None:
        rows, pages = sorted(self._waiting), []
        self._waiting, self._held = [], 0
        self._file.seek(0, 2)
        for start in range(0, len(rows), ROWS_A_PAGE):
            pages.append(self._file.tell())
            marshal.dump(rows[start : start + ROWS_A_PAGE], self._file)
        self._runs.append(pages)

    def _merged(self) -> Iterator[list[tuple[Any, ...]]]:
        """Yield all rows in order, some at a time."""
        self._waiting.sort()
        pages = [map(self._page, places) for places in self._runs]
        pages.append(iter([self._waiting] if self._waiting else []))
        runs = [(page, rest) for rest in pages if (page := next(rest, None))]
        while runs:
            # up to where the first of the pages ends, what there is of all runs is in memory
            end = min(page[-1] for page, _ in runs)
            ready: list[tuple[Any, ...]] = []
            left = []
            for page, rest in runs:
                cut = bisect_right(page, end)
                ready += page[:cut]
                if remaining := page[cut:] or next(rest, None):
                    left.append((remaining, rest))
            runs = left
            ready.sort()
            yield ready

    def _page(self, place: int) -> list[tuple[Any, ...]]:
        self._file.seek(place)
        page: list[tuple[Any, ...]] = marshal.load(self._file)  # noqa: S302 - this process wrote it
        return page


def encoded(key: str) -> bytes:
    """Return a key in bytes that sort as its code points do."""
    return key.encode("utf-8", "surrogatepass")


def packed(values: Sequence[Any]) -> bytes:
    """Return values as `SpooledRow` has them."""
    return pickle.dumps(values, 5)


def unpacked(data: bytes) -> Any:
    """Return what `packed` was given."""
    return pickle.loads(data)  # noqa: S301 - this process wrote it, into a file without a name
