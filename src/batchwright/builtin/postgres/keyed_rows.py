"""Rows that come with the keys of their vectors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, repeat
from struct import Struct

from batchwright.builtin.postgres.encoding import BYTEA, BinaryArray, array
from batchwright.builtin.postgres.rows import COPY_HEADER, COPY_TRAILER, Column, Fields, Rows
from batchwright.sinkkit.vectors.keys import COLUMN

KEY = Column(COLUMN, BYTEA, nullable=True)

_length = Struct("!i").pack
_count = Struct("!h").pack


class KeyedRows:
    """The rows of one batch.

    Args:
        rows: What they are.
        keys: What each keeps of its vector, in the order of the records.
    """

    def __init__(self, rows: Rows, keys: Sequence[bytes]) -> None:
        self._rows = rows
        self._keys = [_length(len(key)) + key for key in keys]

    def arrays(self, blocks: Iterable[Fields]) -> list[BinaryArray]:
        """Return the columns as arrays, for ``unnest``.

        Raises:
            ValueError: And others, as `Rows.encode`; also where there are more or fewer keys than records.
        """
        known = [*blocks]
        self._check(sum(len(fields[0]) for fields in known))
        return [*self._rows.arrays(known), array(BYTEA, self._keys)]

    def copy_blocks(self, blocks: Iterable[Fields]) -> Iterator[bytes]:
        """Return the rows as COPY wants them, a block at a time. Raises as `arrays`."""
        count, start = _count(len(self._rows.columns) + 1), 0
        yield COPY_HEADER
        for fields in blocks:
            stop = start + len(fields[0])
            yield b"".join(chain.from_iterable(zip(repeat(count), *fields, self._keys[start:stop])))
            start = stop
        self._check(start)
        yield COPY_TRAILER

    def _check(self, records: int) -> None:
        if len(self._keys) != records:
            raise ValueError(f"{len(self._keys)} keys of vectors came with {records} records")
