"""What one write takes: parts of documents, and rows; and how that ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import Enum, auto
from typing import NamedTuple

from batchwright.contracts.rows import Placed
from batchwright.engine.delivery.row_block import RowBlock
from batchwright.engine.delivery.work import Work
from batchwright.values import dataclass


class Segment(NamedTuple):
    """Records `start` up to, not including, `stop` of a document.

    A segment may be empty: where it ends at the document's end it still says that the document is complete.
    """

    work: Work
    start: int
    stop: int

    @property
    def completes(self) -> bool:
        """Whether the document ends here."""
        return self.stop == len(self.work.records)


@dataclass(frozen=True, slots=True)
class Part:
    """What one write takes: segments of documents, in order, and then rows.

    What is done with a part of it only, is done with segments: see `apart`.

    Attributes:
        segments: Those of documents.
        size: Records; derived from the others by `Part.of`.
        rows: Rows, each a document of its own.
    """

    segments: tuple[Segment, ...]
    size: int = 0
    rows: RowBlock | None = None

    @classmethod
    def of(cls, segments: Sequence[Segment], rows: RowBlock | None = None) -> Part:
        """Return the part made of these segments and rows."""
        return cls(tuple(segments), sum(s.stop - s.start for s in segments) + len(rows or ()), rows or None)

    def records(self) -> Sequence[Placed]:
        """Return the records."""
        records = [record for s in self.segments for record in s.work.records[s.start : s.stop]]
        if self.rows is None:
            return records
        return [*records, *self.rows.records] if records else self.rows.records

    def documents(self) -> tuple[int, str, str]:
        """Return of how many documents it holds records, and the keys of the first and the last."""
        keys = [segment.work.version.key for segment in (*self.segments[:1], *self.segments[-1:])]
        if self.rows is not None:
            keys += (self.rows.publications.keys[0], self.rows.publications.keys[-1])
        return len(self.segments) + len(self.rows or ()), *((keys[0], keys[-1]) if keys else ("", ""))

    def apart(self) -> Part:
        """Return the same as segments only, its rows as documents."""
        if self.rows is None:
            return self
        return Part.of([*self.segments, *(Segment(work, 0, 1) for work in self.rows.works())])

    def split(self, at: int) -> tuple[Part, Part]:
        """Return the first `at` records, and the rest."""
        left: list[Segment] = []
        right: list[Segment] = []
        for segment in self.segments:
            length = segment.stop - segment.start
            if at >= length and not right:  # an empty one that completes a document comes after its rows
                left.append(segment)
                at -= length
            elif at > 0:
                middle = segment.start + at
                left.append(Segment(segment.work, segment.start, middle))
                right.append(Segment(segment.work, middle, segment.stop))
                at = 0
            else:
                right.append(segment)
        if self.rows is None:
            return Part.of(left), Part.of(right)
        return Part.of(left, self.rows[:at]), Part.of(right, self.rows[at:])

    def pick(self, position: int) -> Segment:
        """Return the one record at `position` as a segment."""
        for segment in self.segments:
            length = segment.stop - segment.start
            if position < length:
                index = segment.start + position
                return Segment(segment.work, index, index + 1)
            position -= length
        raise IndexError(f"there is no record {position} in a part of {self.size}")

    def without(self, positions: Sequence[int]) -> Part:
        """Return the part without the records at these positions; what it completes, it still completes."""
        out = set(positions)
        kept: list[Segment] = []
        position = 0
        for segment in self.segments:
            begin = segment.start
            for index in range(segment.start, segment.stop):
                if position in out:
                    if index > begin:
                        kept.append(Segment(segment.work, begin, index))
                    begin = index + 1
                position += 1
            if segment.stop > begin or segment.completes:
                kept.append(Segment(segment.work, begin, segment.stop))
        return Part.of(kept)

    def vectors(self) -> dict[str, int] | None:
        """Count the records by how they come by their vectors; None where nothing is embedded."""
        embedded = [(unit, s) for s in self.segments if (unit := s.work.vectors) is not None]
        if not embedded:
            return None
        counts: Counter[str] = Counter()
        for unit, segment in embedded:
            counts.update(unit.count(segment.start, segment.stop))
        return dict(counts)

    def completions(self) -> Part:
        """Return a part without records that completes what this one completes."""
        return Part.of([Segment(s.work, s.stop, s.stop) for s in self.segments if s.completes])


class Ending(Enum):
    """How a part ended: stored, stored but for its rejects, failed, failed for good, or not reached."""

    STORED = auto()
    REJECTS = auto()
    FAILED = auto()
    FATAL = auto()
    STOPPED = auto()
