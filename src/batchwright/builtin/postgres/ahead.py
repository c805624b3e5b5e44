"""Rows that are encoded while the server works on those before them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from operator import is_

from batchwright.builtin.postgres.encoding import REFUSALS
from batchwright.builtin.postgres.rows import BLOCK, Fields, Rows
from batchwright.contracts.rows import Placed, RowColumns, size_of

MOST = 8 * 1024 * 1024
"""Characters of records that are kept encoded."""

_Block = tuple[Sequence[object], Fields]


class Ahead:
    """Encodes the records of a batch, those that were announced while there was nothing else to do.

    Args:
        rows: What encodes them.
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._announced: Sequence[Placed] = ()
        self._known: list[_Block] = []

    def announce(self, records: Sequence[Placed]) -> None:
        """Note what comes after the next write."""
        self._announced = records

    def blocks(self, records: Sequence[Placed]) -> Iterator[Fields]:
        """Return the fields of the records, a block of records at a time. Raises as `Rows.encode`."""
        known, self._known = self._known, []
        done = 0
        for block, fields in known:
            stop = done + len(block)
            if stop > len(records) or not all(map(is_, block, _named(records[done:stop]))):
                break
            yield fields
            done = stop
        yield from self._rows.blocks(records[done:])

    def encode(self, ends: Callable[[], bool]) -> None:
        """Encode what was announced, until all is or `ends` tells to stop.

        What can't be stored is left to the write that holds it.
        """
        records, self._announced = self._announced, ()
        self._known, size = [], 0
        with suppress(*REFUSALS):
            for start in range(0, len(records), BLOCK):
                block = records[start : start + BLOCK]
                size += size_of(block)
                if size > MOST or ends():
                    return
                self._known.append((_named(block), self._rows.encode(block)))


def _named(records: Sequence[Placed]) -> Sequence[object]:
    """Return what tells whether records are the very same: of columns no record is made twice."""
    return records.ids if isinstance(records, RowColumns) else records
