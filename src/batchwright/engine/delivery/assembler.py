"""Cutting parts of the size asked for from the documents and rows that come in."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import field
from itertools import accumulate

from batchwright.contracts.rows import Placed, RowColumns
from batchwright.engine.delivery.parts import Part, Segment
from batchwright.engine.delivery.row_block import RowBlock
from batchwright.engine.delivery.work import Work
from batchwright.values import dataclass


@dataclass(slots=True)
class Assembler:
    """Cuts parts of the size asked for from the documents and rows that come in.

    For a writer and for a plan alike: add documents while it is not full, then cut, and go on.

    Attributes:
        at_once: Documents without records that wait for the next part, at most.
        records: Records that wait.
    """

    at_once: int = 1_000
    records: int = field(default=0, init=False)
    _waiting: deque[Segment | RowBlock] = field(default_factory=deque, init=False)

    def add(self, item: Work | RowBlock) -> None:
        """Take in a document, or rows."""
        segment = Segment(item, 0, len(item.records)) if isinstance(item, Work) else item
        self._waiting.append(segment)
        self.records += _length(segment)

    def __len__(self) -> int:
        """Return how many documents, rests of documents, or blocks of rows are waiting."""
        return len(self._waiting)

    def rows(self) -> Iterator[RowBlock]:
        """Yield the rows that wait."""
        return (one for one in self._waiting if isinstance(one, RowBlock))

    def room(self, rows: int) -> int:
        """Return how many records, or documents without, may come in before a part of `rows` is to be cut."""
        return min(rows - self.records, rows + self.at_once - len(self._waiting))

    def is_full(self, rows: int) -> bool:
        """Tell whether a part of `rows` records is to be cut before more documents come in."""
        return self.room(rows) <= 0

    def without(self, works: Collection[Work]) -> Assembler:
        """Return an assembler that takes over what waits here, but for what is left of these documents."""
        other = Assembler(self.at_once)
        kept = [one for one in self._waiting if isinstance(one, Segment) and one.work in works]
        other._waiting = deque(
            one for one in self._waiting if isinstance(one, RowBlock) or one.work not in works
        )
        other.records = sum(map(_length, other._waiting))
        self._waiting = deque(kept)
        self.records -= other.records
        return other

    def take_over(self, other: Assembler) -> None:
        """Have what waits at another assembler wait behind what waits here."""
        self._waiting += other._waiting
        self.records += other.records
        other._waiting, other.records = deque(), 0

    def next(self, rows: int) -> Sequence[Placed]:
        """Return the records that come next, up to `rows` of them, and leave them here."""
        taken: list[Segment | RowBlock] = []
        room = rows
        for one in self._waiting:
            if room <= 0:
                break
            first, _ = _split(one, room)
            room -= _length(first)
            taken.append(first)
        return _part(taken).records()

    def cut(self, rows: int, max_bytes: int | None) -> Part:
        """Take out the next part: up to `rows` records and `max_bytes` of them, one record at least."""
        taken: list[Segment | RowBlock] = []
        room = rows
        while self._waiting and (room > 0 or not _length(self._waiting[0])):
            one = self._waiting.popleft()
            if isinstance(one, Segment) and one.work.failed:
                self.records -= _length(one)
                continue
            one, rest = _split(one, room)
            if rest is not None:
                self._waiting.appendleft(rest)
            room -= _length(one)
            taken.append(one)
        part = _part(taken)
        self.records -= part.size
        if max_bytes is not None and part.size > 1:
            fitting = _fitting(part.records(), max_bytes)
            if fitting < part.size:
                part, left = part.split(fitting)
                self._waiting.extendleft(filter(None, [left.rows]))
                self._waiting.extendleft(reversed(left.segments))
                self.records += left.size
        return part


def _length(one: Segment | RowBlock) -> int:
    return len(one) if isinstance(one, RowBlock) else one.stop - one.start


def _split(one: Segment | RowBlock, at: int) -> tuple[Segment | RowBlock, Segment | RowBlock | None]:
    """Return the first `at` records, and the rest where there is one."""
    if _length(one) <= at:
        return one, None
    if isinstance(one, Segment):
        middle = one.start + at
        return Segment(one.work, one.start, middle), Segment(one.work, middle, one.stop)
    return one[:at], one[at:]


def _part(taken: Sequence[Segment | RowBlock]) -> Part:
    rows = [one for one in taken if isinstance(one, RowBlock)]
    segments = [one for one in taken if isinstance(one, Segment)]
    return Part.of(segments, RowBlock.joined(rows) if rows else None)


def _fitting(records: Sequence[Placed], max_bytes: int) -> int:
    """Return how many of the records have so many bytes, one at least."""
    sizes = records.sizes if isinstance(records, RowColumns) else [record.size for record in records]
    return max(1, bisect_right([*accumulate(sizes)], max_bytes))
