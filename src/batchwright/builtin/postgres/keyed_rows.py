"""Rows that come with the keys of their vectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, repeat
from struct import Struct

from batchwright.builtin.postgres.encoding import BYTEA, BinaryArray, array
from batchwright.builtin.postgres.rows import BLOCK, COPY_HEADER, COPY_TRAILER, Column, Rows
from batchwright.contracts.records import Placed
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

    def arrays(self, records: Sequence[Placed]) -> list[BinaryArray]:
        """Return the columns as arrays, for ``unnest``.

        Raises:
            ValueError: And others, as `Rows.encode`; also where there are more or fewer keys than records.
        """
        self._check(records)
        return [*self._rows.arrays(self._rows.encode(records)), array(BYTEA, self._keys)]

    def copy_blocks(self, records: Sequence[Placed]) -> Iterator[bytes]:
        """Return the rows as COPY wants them, a block at a time. Raises as `arrays`."""
        self._check(records)
        count = _count(len(self._rows.columns) + 1)
        yield COPY_HEADER
        for start in range(0, len(records), BLOCK):
            fields = self._rows.encode(records[start : start + BLOCK])
            yield b"".join(
                chain.from_iterable(zip(repeat(count), *fields, self._keys[start : start + BLOCK]))
            )
        yield COPY_TRAILER

    def _check(self, records: Sequence[Placed]) -> None:
        if len(self._keys) != len(records):
            raise ValueError(f"{len(self._keys)} keys of vectors came with {len(records)} records")
