"""Documents on their way through a writer, and the parts of them that one write takes."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Sequence
from dataclasses import field
from itertools import chain, islice
from typing import TYPE_CHECKING, Literal, NamedTuple

from batchwright.contracts.receipts import DocumentVersion, Reject
from batchwright.contracts.records import Placed
from batchwright.values import dataclass

if TYPE_CHECKING:
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
    """What one write takes: segments of documents, in order."""

    segments: tuple[Segment, ...]
    size: int = 0
    """Records; derived from the segments by `Part.of`."""

    @classmethod
    def of(cls, segments: Sequence[Segment]) -> Part:
        """Return the part made of these segments."""
        return cls(tuple(segments), sum(s.stop - s.start for s in segments))

    def records(self) -> list[Placed]:
        """Return the records."""
        return [record for s in self.segments for record in s.work.records[s.start : s.stop]]

    def documents(self) -> tuple[int, str, str]:
        """Return of how many documents it holds segments, and the keys of the first and the last."""
        segments = self.segments
        if not segments:
            return 0, "", ""
        return len(segments), segments[0].work.version.key, segments[-1].work.version.key

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
        return Part.of(left), Part.of(right)

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


@dataclass(slots=True)
class Assembler:
    """Cuts parts of the size asked for from the documents that come in.

    For a writer and for a plan alike: add documents while it is not full, then cut, and go on.

    Attributes:
        at_once: Documents without records that wait for the next part, at most.
        records: Records that wait.
    """

    at_once: int = 1_000
    records: int = field(default=0, init=False)
    _waiting: deque[Segment] = field(default_factory=deque, init=False)

    def add(self, work: Work) -> None:
        """Take in a document."""
        self._waiting.append(Segment(work, 0, len(work.records)))
        self.records += len(work.records)

    def __len__(self) -> int:
        """Return how many documents, or rests of documents, are waiting."""
        return len(self._waiting)

    def room(self, rows: int) -> int:
        """Return how many records, or documents without, may come in before a part of `rows` is to be cut."""
        return min(rows - self.records, rows + self.at_once - len(self._waiting))

    def is_full(self, rows: int) -> bool:
        """Tell whether a part of `rows` records is to be cut before more documents come in."""
        return self.room(rows) <= 0

    def without(self, works: Collection[Work]) -> Assembler:
        """Return an assembler that takes over what waits here, but for what is left of these documents."""
        other = Assembler(self.at_once)
        kept = deque(segment for segment in self._waiting if segment.work in works)
        other._waiting = deque(segment for segment in self._waiting if segment.work not in works)
        other.records = sum(segment.stop - segment.start for segment in other._waiting)
        self._waiting = kept
        self.records -= other.records
        return other

    def take_over(self, other: Assembler) -> None:
        """Have what waits at another assembler wait behind what waits here."""
        self._waiting += other._waiting
        self.records += other.records
        other._waiting, other.records = deque(), 0

    def next(self, rows: int) -> list[Placed]:
        """Return the records that come next, up to `rows` of them, and leave them here."""
        waiting = (s.work.records[s.start : s.stop] for s in self._waiting)
        return list(islice(chain.from_iterable(waiting), rows))

    def cut(self, rows: int, max_bytes: int | None) -> Part:
        """Take out the next part: up to `rows` records and `max_bytes` of them, one record at least."""
        taken: list[Segment] = []
        room = rows
        while self._waiting and (room > 0 or self._waiting[0].start == self._waiting[0].stop):
            segment = self._waiting.popleft()
            length = segment.stop - segment.start
            if segment.work.failed:
                self.records -= length
                continue
            if length > room:
                middle = segment.start + room
                self._waiting.appendleft(Segment(segment.work, middle, segment.stop))
                segment = Segment(segment.work, segment.start, middle)
                length = room
            taken.append(segment)
            room -= length
        part = Part.of(taken)
        self.records -= part.size
        if max_bytes is not None and part.size > 1:
            fitting = _fitting(part, max_bytes)
            if fitting < part.size:
                part, rest = part.split(fitting)
                self._waiting.extendleft(reversed(rest.segments))
                self.records += rest.size
        return part


def _fitting(part: Part, max_bytes: int) -> int:
    total = 0
    for count, record in enumerate(part.records()):
        total += record.size
        if total > max_bytes and count:
            return count
    return part.size


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
