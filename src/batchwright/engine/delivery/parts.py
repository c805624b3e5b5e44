"""Documents on their way through a writer, and the parts of them that one write takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from batchwright.contracts.receipts import DocumentVersion, Reject
from batchwright.contracts.records import Placed
from batchwright.values import dataclass

if TYPE_CHECKING:
    from batchwright.engine.delivery.row_block import RowBlock
    from batchwright.engine.embedding.units import Unit


@dataclass(slots=True, eq=False)
class Work:
    """A document version to be stored; one writer has it from its first record to its publication.

    Attributes:
        version: What is stored.
        records: Its records, or those of them that are to be stored.
        state: What publishing it makes of the document.
        is_patch: Whether a program stores these records, perhaps not all of the version.
        is_published: Whether the version is published already, and these are records that it lacks.
        was_refused: Whether the version is refused, and these are records of it that may be storable now.
        resumed: Whether an earlier run began it, so that records of it may be stored, or set aside, already.
        attempts: Writes that its records were in before.
        run_id: The run whose rejects its records are when they are set aside; None for the one that has it.
        begun: Whether this run has stored rows of it.
        stored: Records committed so far.
        rejected: Records of the version set aside so far.
        failed: Whether a part of it could not be stored; it won't be published by this run.
        settled: Records that are accounted for.
        vectors: The vectors of `records`; None where nothing is embedded.
    """

    version: DocumentVersion
    records: Sequence[Placed]
    state: Literal["added", "changed"] = "added"
    is_patch: bool = False
    is_published: bool = False
    was_refused: bool = False
    resumed: bool = False
    attempts: int = 0
    run_id: str | None = None
    begun: bool = False
    stored: int = 0
    rejected: int = 0
    failed: bool = False
    settled: int = 0
    vectors: Unit | None = None

    @property
    def is_refused(self) -> bool:
        """Whether all records of the version are set aside, so that it isn't published."""
        return 0 < self.rejected == self.version.records and not (self.is_patch or self.is_published)

    @property
    def unsettled(self) -> int:
        """Records that are not accounted for; of lines that are no rows there are no records."""
        return (len(self.records) or (self.version.records if self.is_refused else 0)) - self.settled


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
        counts: Counter[str] = Counter()
        embeds = False
        for segment in self.segments:
            if segment.work.vectors is not None:
                embeds = True
                counts.update(segment.work.vectors.count(segment.start, segment.stop))
        return dict(counts) if embeds else None

    def completions(self) -> Part:
        """Return a part without records that completes what this one completes."""
        return Part.of([Segment(s.work, s.stop, s.stop) for s in self.segments if s.completes])


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What could not be read, to be kept with the rejects.

    Attributes:
        rejects: One for a document, or for each line that is no row.
        work: The version that the lines are, which is refused; None for a document.
    """

    rejects: Sequence[Reject]
    work: Work | None = None

    @property
    def records(self) -> int:
        """How many records that are; a document that can't be read has none."""
        return sum(reject.position is not None for reject in self.rejects)
